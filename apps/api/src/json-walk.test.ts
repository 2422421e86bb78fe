import { describe, expect, it } from 'vitest'
import { JsonWalk, stringAt } from './json-walk.ts'

const walkThrough = (text: string): JsonWalk => new JsonWalk(Buffer.from(text))

describe('a walk', () => {
  it.each([
    '0',
    '-1.50e+3',
    'true',
    'false',
    'null',
    '""',
    String.raw`"\\"`,
    String.raw`"\\\" \\\\"`,
    '"é 鍵 🔑 \u2028"',
    '[]',
    '{}',
    '[[],{},"]}",[{"}":"]"}]]',
    '{"a b":" c , d ","e":[1.0,null]}',
  ])('gives the text of %s, whatever stands around it', (text) => {
    expect(walkThrough(text).value()).toBe(text)
    expect(walkThrough(`\r\n\t ${text} `).value()).toBe(text)
    const list = walkThrough(`[${text},${text} , ${text}]`)
    expect(list.enter('list')).toBe(true)
    for (let i = 0; i < 3; i++) expect([list.nextItem(), list.value()]).toEqual([true, text])
    expect(list.nextItem()).toBe(false)
  })

  it('leaves out the space between the parts of a value, and none in a string', () => {
    expect(walkThrough('{ "a  b" : [ 1 ,\t-2.0\r\n] ,\n"c":"  \\"  " }').value()).toBe(
      '{"a  b":[1,-2.0],"c":"  \\"  "}',
    )
  })

  it('gives the names of fields as they are meant', () => {
    const walk = walkThrough(String.raw`{ "a" : 1 , "\u0062\n" : {"x":0} ,"é":[]}`)
    expect(walk.enter('object')).toBe(true)
    const fields: [string, string][] = []
    for (let name = walk.nextField(); name !== undefined; name = walk.nextField()) fields.push([name, walk.value()])
    expect(fields).toEqual([
      ['a', '1'],
      ['b\n', '{"x":0}'],
      ['é', '[]'],
    ])
  })

  it('goes on behind what it has stepped out of', () => {
    const walk = walkThrough('[{ } , [ ] , 3]')
    expect([walk.enter('object'), walk.enter('list')]).toEqual([false, true])
    expect([walk.nextItem(), walk.enter('object'), walk.nextField()]).toEqual([true, true, undefined])
    expect([walk.nextItem(), walk.enter('list'), walk.nextItem()]).toEqual([true, true, false])
    expect([walk.nextItem(), walk.value(), walk.nextItem()]).toEqual([true, '3', false])
  })
})

it('reads a string between its quotes', () => {
  const json = Buffer.from(String.raw`["a\"\ud83d\ude00é"]`)
  expect(stringAt(json, 1, json.length - 1)).toBe('a"😀é')
})
