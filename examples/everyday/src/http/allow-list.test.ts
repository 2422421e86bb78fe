import { describe, expect, it } from 'vitest'
import { isAllowed, parseAllowList } from './allow-list.ts'

const allows = (text: string, url: string): boolean => isAllowed(parseAllowList(text).allow, new URL(url))

describe('an allow list', () => {
  it('lets a host without a port have every port', () => {
    expect(allows('example.com', 'http://example.com/a')).toBe(true)
    expect(allows('example.com', 'https://example.com:8443/a')).toBe(true)
  })

  it('lets a host with a port have that port only', () => {
    expect(allows('example.com:8080', 'http://example.com:8080/')).toBe(true)
    expect(allows('example.com:8080', 'http://example.com:8081/')).toBe(false)
    expect(allows('example.com:8080', 'http://example.com/')).toBe(false)
  })

  it('knows the ports that a URL leaves out', () => {
    expect(allows('example.com:80', 'http://example.com/')).toBe(true)
    expect(allows('example.com:443', 'https://example.com/')).toBe(true)
    expect(allows('example.com:443', 'http://example.com/')).toBe(false)
  })

  it('takes no other name for a host: no part of it, no parent, no child', () => {
    for (const host of ['a.example.com', 'example.co', 'example.com.evil.net', 'xexample.com']) {
      expect(allows('example.com', `http://${host}/`), host).toBe(false)
    }
  })

  it.each([
    ['EXAMPLE.com', 'http://example.COM/'],
    ['münchen.example', 'http://xn--mnchen-3ya.example/'],
    ['10.0.0.5', 'http://10.0.0.5/'],
    ['127.0.0.1', 'http://2130706433/'],
    ['::1', 'http://[0:0:0:0:0:0:0:1]/'],
    ['[::1]:3000', 'http://[::1]:3000/'],
    [' a.example , ,b.example,', 'http://b.example/'],
  ])('reads %s as %s has it', (text, url) => {
    expect(parseAllowList(text).unreadable).toEqual([])
    expect(allows(text, url)).toBe(true)
  })

  it.each([
    '*',
    '*.example.com',
    'http://example.com',
    'example.com/a',
    '10.0.0.0/8',
    'a b',
    'a:0',
    'a:65536',
    'a:b',
    'u@a',
    '[::1',
    ':80',
  ])('finds %s unreadable', (entry) => {
    expect(parseAllowList(`example.com,${entry}`)).toEqual({ allow: new Set(['example.com']), unreadable: [entry] })
  })
})
