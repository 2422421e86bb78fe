// Makes the checkout ready, then runs scripts/<name>.ts on the Node of the lockfile:
//   node scripts/run.mjs start|test|check|browser|bench|chaos|chaos-schedules|containers [arguments]
// It is the one file that has to run on any Node from 18 on and without node_modules, hence plain JavaScript.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const STAMP = join(ROOT, 'node_modules', '.foliot-installed')
const WORKSPACE_NODE = join(ROOT, 'node_modules', '.bin', 'node')
const OLDEST_NODE = 24

/** Ctrl-C reaches the script as well as us. Within this time the script says so; else the signal was for us alone. */
const ECHO_MS = 500

/** How often to look whether npm is still there. */
const ORPHAN_CHECK_MS = 250

const [name, ...args] = process.argv.slice(2)
const scripts = readdirSync(join(ROOT, 'scripts')).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
if (name === undefined || !scripts.includes(`${name}.ts`)) {
  const names = scripts.map((file) => file.slice(0, -'.ts'.length)).join(', ')
  fail(`Expected the name of a script (${names}), got ${name === undefined ? 'none' : `"${name}"`}.`)
}
await install()
await runScript(chooseNode(), join(ROOT, 'scripts', `${name}.ts`))

/** Installs the packages of the lockfile, unless that was done for just this lockfile and these package.json files. */
async function install() {
  const wanted = fingerprint()
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  console.error('Installing packages …')
  rmSync(STAMP, { force: true })
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  // CI: pnpm asks nothing. NODE_ENV=production would leave out the tools that the workspace itself runs on.
  const { NODE_ENV, ...env } = { ...process.env, CI: 'true' }
  const { code, output } = await capture('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'], env)
  if (code !== 0) fail(`${output.trim()}\n\nThe packages could not be installed: ${packageManager} said the above.`)
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, wanted)
}

/** Changes with the lockfile, the workspace file, any package.json, and the platform that was installed for. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  const workspace = readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8')
  const patterns = [...workspace.slice(0, workspace.search(/^catalog:/m)).matchAll(/^ {2}- (\S+)$/gm)]
  const folders = patterns.flatMap(([, pattern]) => {
    if (!pattern.endsWith('/*')) return [pattern]
    const parent = pattern.slice(0, -'/*'.length)
    return existsSync(join(ROOT, parent)) ? readdirSync(join(ROOT, parent)).map((folder) => `${parent}/${folder}`) : []
  })
  const manifests = ['.', ...folders.sort()].map((folder) => join(folder, 'package.json'))
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests]) {
    if (existsSync(join(ROOT, file))) hash.update(`\n${file}\n`).update(readFileSync(join(ROOT, file)))
  }
  return hash.digest('hex')
}

/** On Linux the lockfile brings a Node; elsewhere the one that runs this has to be new enough. */
function chooseNode() {
  if (existsSync(WORKSPACE_NODE)) return WORKSPACE_NODE
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) return process.execPath
  return fail(
    `Foliot runs on Node ${OLDEST_NODE} or newer, and this is Node ${process.versions.node}. ` +
      `On Linux (x64, arm64) it comes with the packages; on ${process.platform} ${process.arch} please install it:\n` +
      `  https://nodejs.org/en/download, or \`brew install node@${OLDEST_NODE}\``,
  )
}

/** Runs the script with our terminal, hands on signals, and ends as it ends. */
async function runScript(node, file) {
  const child = spawn(node, ['--conditions=source', file, ...args], {
    env: { ...process.env, PATH: [join(ROOT, 'node_modules', '.bin'), process.env.PATH].join(delimiter) },
    // Over the channel a script tells that Ctrl-C has reached it, and notices when we die.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  let heardAt = 0
  let echo
  child.on('message', (message) => {
    if (message !== 'SIGINT') return
    heardAt = Date.now()
    clearTimeout(echo)
  })
  process.on('SIGINT', () => {
    clearTimeout(echo)
    if (Date.now() - heardAt > ECHO_MS) echo = setTimeout(() => child.kill('SIGINT'), ECHO_MS)
  })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // npm hands its signals to a shell that does not hand them on: all we see is that our parent has gone.
  const parent = process.ppid
  const whenOrphaned = () => process.ppid !== parent && child.kill('SIGTERM')
  if (process.env.npm_lifecycle_event !== undefined) setInterval(whenOrphaned, ORPHAN_CHECK_MS).unref()
  const { code, signal } = await new Promise((resolve) => {
    child.on('error', (error) => fail(`${node} could not be started: ${error.message}`))
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  process.exit(signal === null ? code : 128 + constants.signals[signal])
}

function capture(command, commandArgs, env) {
  return new Promise((resolve) => {
    const child = spawn(command, commandArgs, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk) => (output += chunk))
    child.on('error', (error) => resolve({ code: 1, output: `${command} could not be started: ${error.message}` }))
    child.on('close', (code) => resolve({ code, output }))
  })
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
