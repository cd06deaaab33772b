// Takes docs/report.png, the picture of the report that README shows: node scripts/screenshot.mjs [page] [picture]
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const WIDTH = 1280
const HEIGHT = 1000
const MOST_BYTES = 300 * 1024

const [page = 'reports/latest/index.html', picture = 'docs/report.png'] = process.argv.slice(2)
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const missing = !existsSync(page)
  ? `${page} is not there: run make first`
  : executablePath === undefined && 'needs Chromium: apt-get install chromium'
if (missing) {
  console.error(missing)
  process.exit(2)
}

mkdirSync(dirname(resolve(picture)), { recursive: true })
const browser = await chromium.launch({
  executablePath,
  env: { ...process.env, GSETTINGS_BACKEND: 'memory' }, // dconf keeps a folder
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
  ],
})
try {
  const shown = await browser.newPage({ viewport: { width: WIDTH, height: HEIGHT }, colorScheme: 'light' })
  await shown.goto(pathToFileURL(resolve(page)).href)
  await shown.screenshot({ path: picture })
} finally {
  await browser.close()
}
const { size } = statSync(picture)
console.log(`${picture}: ${Math.ceil(size / 1024)} KiB`)
if (size > MOST_BYTES) {
  console.error(`more than ${MOST_BYTES / 1024} KiB`)
  process.exit(1)
}
