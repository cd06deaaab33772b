/** Pages as their readers see them: in a real, headless Chromium. */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'

const CHROMIUM = '/usr/bin/chromium'

/** Why there is none. */
const noChromium = existsSync(CHROMIUM) ? undefined : `needs ${CHROMIUM}: apt-get install chromium`

const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
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

export interface View {
  /** Behind the address: `#matrix`. */
  readonly hash?: string
  readonly width?: number
  readonly colorScheme?: 'light' | 'dark'
}

/** `complaints`: what the console said, what was thrown, and what was asked of the network. */
export type Open = (view?: View) => Promise<{ page: Page; complaints: string[] }>

/** Tests of the page that `write` writes, whose path it answers; skipped with the reason where there is no Chromium. */
export function describePage(write: () => string, tests: (open: Open) => void): void {
  describe.skipIf(noChromium !== undefined)(`the page in Chromium${noChromium === undefined ? '' : ` (${noChromium})`}`, () => {
    let browser: Browser
    let url: string
    beforeAll(async () => {
      url = pathToFileURL(write()).href
      browser = await launchChromium()
    }, 60_000)
    afterAll(() => browser?.close())
    tests((view) => openPage(browser, url, view))
  })
}

async function openPage(
  browser: Browser,
  url: string,
  { hash = '', width = 1280, colorScheme = 'light' }: View = {},
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) complaints.push(`requests ${request.url()}`)
  })
  await page.goto(`${url}${hash}`)
  return { page, complaints }
}
