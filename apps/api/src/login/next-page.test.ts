import { expect, it } from 'vitest'
import { loginFor, nextPage } from './next-page.ts'

it.each(['/board', '/board/', '/board/queue/demo?status=failed&page=2', '/docs', '/docs/static/index.html'])(
  'leads on to a page of ours: %s',
  (path) => expect(nextPage(path)).toBe(path),
)

it.each([
  'https://evil.example/docs',
  '//evil.example/board',
  '/\\evil.example/board',
  '\\\\evil.example/board',
  'http:evil.example/board',
  'javascript:alert(1)//board',
  'https://foliot.invalid@evil.example/board',
  '/boardwalk',
  '/board/../v1/jobs',
  '/v1/jobs',
  '/logout',
  '',
  undefined,
  ['/docs', '/docs'],
])('leads to the board instead of anywhere else: %s', (asked) => expect(nextPage(asked)).toBe('/board'))

it('is asked for by the login page that a path leads to', () => {
  const path = '/board/queue/a%20b?status=failed&page=2'
  const url = new URL(loginFor(path), 'http://127.0.0.1')
  expect(url.pathname).toBe('/login')
  expect(nextPage(url.searchParams.get('next'))).toBe(path)
})
