import type { ApiKey } from '@foliot/access'

/** The page after a login if none was asked for. */
const HOME = '/board'

/** Pages that stand behind the login. */
const PAGES = ['/board', '/docs']

/** Where to go after a login: the path that was asked for if it is one of our pages, never another site. */
export function nextPage(asked: unknown): string {
  const origin = 'http://foliot.invalid'
  if (typeof asked !== 'string' || !URL.canParse(asked, origin)) return HOME
  const { origin: target, pathname, search } = new URL(asked, origin)
  const isPage = target === origin && PAGES.some((page) => pathname === page || pathname.startsWith(`${page}/`))
  return isPage ? pathname + search : HOME
}

/** The board is of all tenants: whoever sees one alone is led to the reference instead. */
export const pageFor = ({ tenant }: ApiKey, next: string): string =>
  tenant !== undefined && next.startsWith(HOME) ? '/docs' : next

/** The login page that leads back to `path`. */
export const loginFor = (path: string): string => `/login?next=${encodeURIComponent(path)}`
