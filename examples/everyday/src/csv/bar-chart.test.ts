import { describe, expect, it } from 'vitest'
import { type Bar, drawBarChart } from './bar-chart.ts'

/** The bars as they were drawn: where they begin and how long they are. */
function barsOf(svg: string): { x: number; width: number }[] {
  const rects = svg.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)"/g)
  return [...rects].map(([, x, width]) => ({ x: Number(x), width: Number(width) }))
}

/** All that is written, markup taken away and entities as they stand. */
const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => `${text}`)

const bar = (value: number, label = 'a'): Bar => ({ label, value })

describe('drawBarChart', () => {
  it('draws each bar as long as its value, the longest over the whole width', () => {
    expect(barsOf(drawBarChart('', [bar(200), bar(100)]))).toEqual([
      { x: 200, width: 420 },
      { x: 200, width: 210 },
    ])
  })

  it('draws negative values to the left of zero', () => {
    expect(barsOf(drawBarChart('', [bar(100), bar(-50)]))).toEqual([
      { x: 340, width: 280 },
      { x: 200, width: 140 },
    ])
  })

  it('draws something for no bars, for zeros and for the largest numbers', () => {
    expect(barsOf(drawBarChart('', []))).toEqual([])
    expect(barsOf(drawBarChart('', [bar(0)]))).toEqual([{ x: 200, width: 0 }])
    expect(barsOf(drawBarChart('', [bar(Number.MAX_VALUE), bar(-Number.MAX_VALUE)]))).toEqual([
      { x: 410, width: 210 },
      { x: 200, width: 210 },
    ])
  })

  it('escapes whatever stands in a label or in the title', () => {
    const svg = drawBarChart(`"A" & 'B'`, [bar(1, '<script>x</script>&')])
    expect(svg).not.toContain('<script')
    expect(textsOf(svg)).toEqual(['&quot;A&quot; &amp; &#39;B&#39;', '&lt;script&gt;x&lt;/script&gt;&amp;', '1'])
  })

  it('has no character that XML cannot hold', () => {
    const svg = drawBarChart('', [bar(1, 'a\u0000b\u001bc\ud800d\uffff')])
    expect(textsOf(svg)).toContain('a b c d ')
  })

  it('cuts a long label between characters', () => {
    expect(textsOf(drawBarChart('', [bar(1, '🦉'.repeat(40))]))).toContain(`${'🦉'.repeat(27)}…`)
  })

  it('names an empty label', () => {
    expect(textsOf(drawBarChart('', [bar(1, '')]))).toContain('(empty)')
  })

  it.each([
    [1234567, '1,234,567'],
    [0.1 + 0.2, '0.3'],
    [126.582995951417, '126.583'],
    [0.000123456789, '0.000123457'],
    [-7.1, '-7.1'],
    [1.5e300, '1.500e+300'],
  ])('writes %d as %s', (value, text) => {
    expect(textsOf(drawBarChart('', [bar(value)]))).toContain(text)
  })
})
