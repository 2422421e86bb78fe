export interface Bar {
  label: string
  value: number
}

const WIDTH = 720
const BAR_LEFT = 200
const BAR_RIGHT = 620
const TOP = 44
const STEP = 24
const LABEL_MAX = 28
const TITLE_MAX = 90

/** Draws horizontal bars, from zero to the left or to the right, as an SVG document. Any text may be in a label. */
export function drawBarChart(title: string, bars: readonly Bar[]): string {
  const low = Math.min(0, ...bars.map((bar) => bar.value))
  const high = Math.max(0, ...bars.map((bar) => bar.value))
  // Halves, because the distance between two large numbers may be more than a number can be.
  const span = high / 2 - low / 2 || 1
  const x = (value: number): number => BAR_LEFT + ((value / 2 - low / 2) / span) * (BAR_RIGHT - BAR_LEFT)
  const height = TOP + STEP * bars.length + 12
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escapeText(title, TITLE_MAX)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="16" y="24" font-size="14" font-weight="bold">${escapeText(title, TITLE_MAX)}</text>`,
    ...bars.map((bar, index) => drawBar(bar, TOP + STEP * index, x)),
    '</svg>',
  ].join('\n')
}

function drawBar({ label, value }: Bar, y: number, x: (value: number) => number): string {
  const [left, right] = [x(0), x(value)].sort((a, b) => a - b) as [number, number]
  const baseline = y + 13
  return [
    `<text x="${BAR_LEFT - 8}" y="${baseline}" text-anchor="end">${escapeText(label || '(empty)', LABEL_MAX)}</text>`,
    `<rect x="${left.toFixed(1)}" y="${y}" width="${(right - left).toFixed(1)}" height="18" fill="#4878a8"/>`,
    `<text x="${(right + 6).toFixed(1)}" y="${baseline}">${formatNumber(value)}</text>`,
  ].join('')
}

const plain = new Intl.NumberFormat('en', {
  maximumFractionDigits: 2,
  maximumSignificantDigits: 6,
  roundingPriority: 'morePrecision',
})

const formatNumber = (value: number): string => (Math.abs(value) < 1e15 ? plain.format(value) : value.toExponential(3))

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text for a document: cut, escaped, and without the characters that XML cannot hold. */
function escapeText(text: string, maxLength: number): string {
  const characters = [...text.replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, ' ')]
  const cut = characters.length > maxLength ? [...characters.slice(0, maxLength - 1), '…'] : characters
  return cut.map((character) => ENTITIES[character] ?? character).join('')
}
