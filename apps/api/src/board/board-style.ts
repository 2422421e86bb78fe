/** Icons of what is refused: duplicate or add, edit, reschedule, reprioritise, remove or empty, obliterate, limits. */
const REFUSED_ICONS = ['files', 'plus', 'pencil', 'clock', 'arrow-up-down', 'trash-2', 'ban', 'chart-no-axes-gantt']

const anyIcon = `:is(${REFUSED_ICONS.map((icon) => `.lucide-${icon}`).join(', ')})`

/**
 * Hides the buttons of what the server refuses. The board has no setting for it; its icons are what tells them apart.
 * "Sort by" has the icon of "change priority", and "promote all" that of "promote": hence what stands around them. The
 * board's own version goes as well: under our name it would be taken for Foliot's.
 */
export const BOARD_STYLE = `
[role="menuitem"]:not([aria-haspopup]):has(> ${anyIcon}),
li:has(> span > button > ${anyIcon}),
li:has(> button > ${anyIcon}),
button:has(> ${anyIcon}),
li:has(> button > .lucide-corner-up-left),
a[href$="/bull-board/releases"] { display: none }
`
