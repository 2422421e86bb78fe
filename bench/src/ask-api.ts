/** Where an api answers, and the key that it takes. */
export interface ApiAt {
  url: string
  key: string
}

/**
 * Asks an api, and gives the body of its answer.
 *
 * @throws Error with the answer if its status is not 2xx.
 */
export async function askApi<Body>(
  { url, key }: ApiAt,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<Body> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`expected ${method} ${path} to succeed, got ${response.status}: ${text}`)
  return (/json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text) as Body
}
