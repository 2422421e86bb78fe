/**
 * Turns src/lua/*.lua into src/generated/lua.ts, because Node imports no .lua files.
 * `--check` writes nothing and fails if the generated file is out of date.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const from = new URL('../src/lua/', import.meta.url)
const to = new URL('../src/generated/lua.ts', import.meta.url)

const camelCase = (name: string): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

const constants = readdirSync(from)
  .filter((file) => file.endsWith('.lua'))
  .sort()
  .map((file) => {
    const text = readFileSync(new URL(file, from), 'utf8').replace(/[`\\$]/g, '\\$&')
    return `export const ${camelCase(file.replace('.lua', ''))} = \`${text}\`\n`
  })

const generated = `// Made from src/lua by \`pnpm generate\`. Do not edit.\n\n${constants.join('\n')}`

if (process.argv.includes('--check')) {
  if (readFileSync(to, 'utf8') !== generated) {
    console.error('packages/queue/src/generated/lua.ts is out of date: run `pnpm generate`')
    process.exit(1)
  }
} else {
  writeFileSync(to, generated)
}
