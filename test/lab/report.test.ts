/** The forms of the lab's report: what is drawn of a trace, the page in Chromium, the terminal, the folder. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { renderLabMarkdown } from '../../src/report/lab-markdown.js'
import { type Ladder, ladderOf } from '../../src/report/ladder.js'
import { ladderText } from '../../src/report/ladder-text.js'
import { figuresOf, plotsOf } from '../../src/report/plots.js'
import { ReportFileError, readLab } from '../../src/report/read.js'
import { connectionsOf } from '../../src/report/state-paths.js'
import { writeLab, writeReport } from '../../src/report/write.js'
import { LONG, lab, long, opened, packet, sampled, story } from '../fixtures/lab.js'
import { report } from '../fixtures/report.js'
import { describePage } from '../support/chromium.js'

const folder = mkdtempSync(join(tmpdir(), 'ipc-lab-report-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const names = lab.stories.map(({ name }) => name)

function drawn({ trace }: typeof opened): Ladder {
  const ladder = ladderOf(trace)
  if (ladder === undefined) throw new Error('no ladder')
  return ladder
}

describe('the ladder', () => {
  test('leads each packet downwards, and the answer from below the question', () => {
    const { arrows } = drawn(opened)
    for (const { leaves, arrives } of arrows) expect(arrives ?? leaves + 1).toBeGreaterThan(leaves)
    const [syn, synAck] = ['SYN', 'SYN ACK'].map((text) => arrows.find(({ packet }) => packet.text === text))
    expect(synAck?.leaves).toBe((syn?.arrives ?? 0) + 1)
    expect([synAck?.from, synAck?.to]).toEqual(['B', 'A'])
  })

  test('has the states beside what led to them, and tells what is sent again', () => {
    const { arrows, rows } = drawn(opened)
    const rowOf = (state: string) => rows.findIndex((row) => row.kind === 'moment' && row.beside.some(({ text }) => text === state))
    expect(rowOf('SYN_SENT')).toBe(arrows.find(({ packet }) => packet.text === 'SYN')?.leaves)
    expect(arrows.filter(({ again }) => again).map(({ packet }) => packet.length)).toEqual([512])
    expect(rows.flatMap((row) => (row.kind === 'heading' ? row.text : []))).toEqual(['The server listens.', 'The client connects.'])
  })

  test('has what is said above TCP beside who says it', () => {
    const said = { t: 10.5, side: 'A' as const, message: { protocol: 'http/2' as const, text: 'HEADERS', stream: 1 } }
    const { rows } = drawn(story('http', [packet(10, 'A', ['PSH', 'ACK'], { length: 30 }), said]))
    expect(rows[0]).toMatchObject({ beside: [{ side: 'A', kind: 'message', text: 'HEADERS', detail: 'stream 1' }] })
  })

  test('of a long trace leaves out what is not remarkable, and counts it', () => {
    const { arrows, rows } = drawn(long)
    const left = rows.reduce((sum, row) => sum + (row.kind === 'gap' ? row.packets : 0), 0)
    expect(arrows.length).toBeLessThan(250)
    expect(arrows.length + left).toBe(LONG + 1)
    expect(arrows.some(({ packet }) => packet.fate === 'lost')).toBe(true)
    expect(arrows.filter(({ again }) => again)).toHaveLength(1)
  })

  test('of an Ethernet leads a broadcast to each who got it, and says it once', () => {
    const frame = { link: 'inside', to: ['B', 'R'], source: '02::a', destination: 'ff::ff' }
    const { hosts, arrows } = drawn(story('arp', [packet(1, 'A', [], { text: 'who has 10.0.0.254?', frame, arrived: 0.99 })]))
    expect(hosts).toEqual(['A', 'B', 'R'])
    expect(arrows.map(({ from, to, leaves, copy }) => [from, to, leaves, copy])).toEqual([
      ['A', 'B', 0, false],
      ['A', 'R', 0, true],
    ])
  })

  test('puts the router between those whom it joins', () => {
    const frame = (link: string, to: string) => ({ text: 'udp', frame: { link, to: [to], source: '', destination: '' } })
    const events = [packet(1, 'B', [], frame('inside', 'R')), { ...packet(2, 'A', [], frame('outside', 'C')), side: 'R' as 'A' }]
    expect(drawn(story('nat', events)).hosts).toEqual(['B', 'R', 'C'])
  })

  test('does not grow with what is remarkable', () => {
    const lossy = story(
      'lossy',
      Array.from({ length: LONG }, (_, i) => packet(i, 'A', ['ACK'], { sequence: i, length: 1, fate: 'lost' })),
    )
    expect(drawn(lossy).arrows.length).toBeLessThan(250)
  })

  test('is none where nothing was sent', () => {
    expect(ladderOf(story('silent', [{ t: 1, note: 'nothing' }]).trace)).toBeUndefined()
  })

  const plain = (text: string) => text
  const paint = { heading: plain, time: plain, state: plain, trouble: plain }

  test('in a terminal fits 100 columns, with the hosts’ states beside it', () => {
    const lines = ladderText(drawn(opened), paint) ?? []
    const text = lines.join('\n')
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100)
    expect(text).toMatch(/^ +10\.0 +SYN_SENT :40000 │ SYN seq 0 ─+▶│$/m)
    expect(text).toMatch(/^ +15\.0 +│ +│ SYN_RECV :7000$/m)
    expect(text).toMatch(/^ +15\.3 +│◀─+ SYN ACK seq 0 ack 1 │$/m)
    expect(text).toMatch(/512.* lost ─+✕ /)
    expect(text).toMatch(/■─+ FIN ACK .* kept back │/)
    expect(ladderText(drawn(long), paint)).toBeUndefined()
  })
})

describe('the states', () => {
  const WAY = [
    ['CLOSE', 'SYN_SENT'],
    ['SYN_SENT', 'ESTABLISHED'],
    ['ESTABLISHED', 'CLOSE_WAIT'],
  ] as const

  test('of a connection are those of both ends, from its listener on', () => {
    const [connection, ...others] = connectionsOf(opened.trace)
    expect(others).toEqual([])
    const way = (side: string) => connection?.ends.find((end) => end.side === side)?.transitions.map(({ from, to }) => `${from} ${to}`)
    expect(way('A')).toEqual(['CLOSE SYN_SENT', 'SYN_SENT ESTABLISHED', 'ESTABLISHED CLOSE'])
    expect(way('B')).toEqual(['CLOSE LISTEN', 'LISTEN SYN_RECV', 'SYN_RECV ESTABLISHED', 'ESTABLISHED LAST_ACK'])
  })

  test('of connections that went alike are shown once', () => {
    const events = ['1', '2', '3'].flatMap((port, i) =>
      WAY.map(([from, to], at) => ({
        t: 10 * i + at,
        side: 'A' as const,
        state: { socket: `192.0.2.1:${port} 192.0.2.2:7000`, from, to },
      })),
    )
    expect(connectionsOf(story('alike', events).trace)).toMatchObject([{ alike: 2, ends: [{ socket: '192.0.2.1:1 192.0.2.2:7000' }] }])
  })
})

describe('the plots', () => {
  test('compare those who came one after the other from their beginnings, with their bounds and losses', () => {
    const [windows] = plotsOf(story('windows', sampled.trace.events.slice(0, 8)).trace)
    expect(windows).toEqual({
      title: 'cwnd',
      over: 'ms since each began',
      steps: true,
      lines: [
        {
          label: 'reno',
          dashed: false,
          losses: [[60, 20]],
          points: [
            [0, 10],
            [50, 20],
            [100, 10],
            [150, 11],
          ],
        },
        {
          label: 'ssthresh reno',
          dashed: true,
          losses: [],
          points: [
            [100, 10],
            [150, 10],
          ],
        },
        {
          label: 'cubic',
          dashed: false,
          losses: [],
          points: [
            [0, 10],
            [50, 21],
          ],
        },
      ],
    })
  })

  test('stand over what the samples say, a line for each whose they are', () => {
    const [, latencies] = plotsOf(sampled.trace)
    expect(latencies).toMatchObject({ title: 'latency (ms)', over: 'clients', steps: false })
    expect(latencies?.lines.map(({ label, points, end }) => [label, points, end])).toEqual([
      [
        'reactor',
        [
          [10, 1],
          [1000, 3],
        ],
        undefined,
      ],
      ['process', [[10, 9]], 'there is no memory for more'],
    ])
  })

  test.each([
    ['one that is of nobody', ['send queue'], 'send queue', ['send queue']],
    ['one with a unit', ['rtt (ms) reno'], 'rtt (ms)', ['reno']],
    ['one behind a colon', ['select, 1000 idle: entries'], 'entries', ['select, 1000 idle']],
    ['several', ['tasks a connection process', 'tasks a connection thread'], 'tasks a connection', ['process', 'thread']],
  ])('are named by what the names have in common: %s', (_, names, title, labels) => {
    const events = names.flatMap((name, i) => [1, 2].map((value) => ({ t: i + value, sample: { name, value } })))
    expect(plotsOf(story('named', events).trace)).toMatchObject([{ title, lines: labels.map((label) => ({ label })) }])
  })

  test('have a line for each host of which the same is told', () => {
    const events = (['A', 'B', 'A', 'B'] as const).map((side, t) => ({ t, side, sample: { name: 'datagrams received', value: t } }))
    expect(plotsOf(story('sides', events).trace)).toMatchObject([{ title: 'datagrams received', lines: [{ label: 'A' }, { label: 'B' }] }])
  })

  test('leave out what was written down once, which stands as a figure', () => {
    expect(figuresOf(sampled.trace)).toMatchObject([
      { what: 'top (clients)', whose: 'process', value: 10, end: 'there is no memory for more' },
      { what: 'bytes behind the FIN', whose: '', value: 1_048_576 },
    ])
  })

  test('of many samples keep the first, the last and the peaks', () => {
    const events = Array.from({ length: 5000 }, (_, t) => ({ t, sample: { name: 'queue', value: t === 3333 ? 99 : t % 7 } }))
    const points = plotsOf(story('many', events).trace)[0]?.lines[0]?.points ?? []
    expect(points.length).toBeLessThanOrEqual(601)
    expect([points[0], points.at(-1)]).toEqual([
      [0, 0],
      [4999, 4999 % 7],
    ])
    expect(points).toContainEqual([3333, 99])
  })
})

describe('the folder', () => {
  test('keeps the lab beside the figures, whichever comes last', () => {
    const target = join(folder, 'both')
    const pages = () => {
      const html = readFileSync(join(target, 'index.html'), 'utf8')
      return [html.includes('id="figures"'), html.includes('id="network"')]
    }
    writeLab(lab.stories, names, target)
    expect(pages()).toEqual([false, true])
    writeReport(report, target)
    expect(pages()).toEqual([true, true])
    expect(readdirSync(target).sort()).toEqual(['index.html', 'lab.json', 'lab.md', 'report.json', 'report.md'])
    expect(readLab(join(target, 'lab.json')).stories).toEqual(JSON.parse(JSON.stringify(lab.stories)))
  })

  test('takes a story that is played again in place of the old one', () => {
    const target = join(folder, 'again')
    writeLab(lab.stories, names, target)
    writeLab([story('broken', [])], names, target)
    const { stories } = readLab(join(target, 'lab.json'))
    expect(stories.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
      lab.stories.map(({ name, verdict }) => `${name} ${name === 'broken' ? 'as predicted' : verdict}`),
    )
  })

  test.each([
    ['cut off', JSON.stringify(lab).slice(0, 500)],
    ['of another version', JSON.stringify({ ...lab, version: 99 })],
    ['without a prediction', JSON.stringify({ ...lab, stories: [{ ...opened, prediction: undefined }] })],
    ['with a damaged packet', JSON.stringify({ ...lab, stories: [story('x', [{ t: 1, packet: { text: 4 } as never }])] })],
    ['with a damaged sample', JSON.stringify({ ...lab, stories: [story('x', [{ t: 1, sample: { name: 'cwnd' } as never }])] })],
    [
      'with a state that there is not',
      JSON.stringify({ ...lab, stories: [story('x', [{ t: 1, state: { socket: 'a b', to: 'OPEN' } as never }])] }),
    ],
  ])('with a lab.json %s still takes the figures', (_, text) => {
    const target = mkdtempSync(join(folder, 'damaged-'))
    writeFileSync(join(target, 'lab.json'), text)
    expect(() => readLab(join(target, 'lab.json'))).toThrow(ReportFileError)
    expect(readFileSync(writeReport(report, target).html, 'utf8')).not.toContain('id="network"')
  })
})

test('the Markdown counts each verdict apart, and has no markup of others', () => {
  const text = renderLabMarkdown(lab)
  expect(text).toContain('✓ 3 as predicted, ✗ 1 refuted, – 1 skipped, ! 1 failed.')
  expect(text).toContain('| ! | `broken` The story of broken | 0.4 s | wire | ECONNRESET |')
  expect(text).not.toContain('<script')
})

describePage(
  () => {
    const target = join(folder, 'page')
    writeReport(report, target)
    return writeLab(lab.stories, names, target).html
  },
  (open) => {
    test('comes when it is chosen, tells every verdict apart, and complains of nothing', async () => {
      const { page, complaints } = await open()
      const seen = () => Promise.all([page.locator('#figures').isVisible(), page.locator('#network').isVisible()])
      expect(await seen()).toEqual([true, false])
      await page.locator('nav a[href="#network"]').click()
      expect(await seen()).toEqual([false, true])
      expect(await page.locator('.verdicts').innerText()).toMatch(/✓ 3 as predicted\s+✗ 1 refuted\s+– 1 skipped\s+! 1 failed/)
      expect(await page.title()).toBe('IPC on this machine')
      expect(complaints).toEqual([])
      await page.close()
    })

    test('draws packets with what became of them, and text of others stays text', async () => {
      const { page, complaints } = await open({ hash: '#network' })
      const story = page.locator('#lab-opened')
      const ladder = story.locator('svg.ladder')
      for (const [fate, count] of Object.entries({ lost: 1, kept: 2, held: 1, duplicated: 1, corrupted: 1, again: 1 }))
        expect([fate, await ladder.locator(`.packet.${fate}`).count()]).toEqual([fate, count])
      expect(await ladder.locator('.packet.lost .cross').count()).toBe(2)
      expect(await ladder.locator('.state').allTextContents()).toContain(`192.0.2.1:40000 192.0.2.2:7000: SYN_SENTSYN_SENT :40000`)
      expect(await story.innerText()).toContain('what the documents say')
      expect(await story.locator('.steps').innerText()).toContain('</script><script>document.title')
      expect(complaints).toEqual([])
      await page.close()
    })

    test('lights the states that were passed, with their times', async () => {
      const { page } = await open({ hash: '#network' })
      const machine = page.locator('#lab-opened svg.machine')
      expect(await machine.locator('.place').count()).toBe(12)
      const lit = await machine.locator('.place.lit').evaluateAll((places) => places.map((place) => place.getAttribute('data-state')))
      expect(lit.sort()).toEqual(['CLOSE', 'CLOSE_WAIT', 'ESTABLISHED', 'LAST_ACK', 'LISTEN', 'SYN_RECV', 'SYN_SENT'])
      const times = await machine.locator('.lit .times').allTextContents()
      for (const time of ['2.0 ms', '10.4 ms', '15.2 ms', 'closed 330.0 ms']) expect(times).toContain(time)
      expect(await machine.locator('line.unseen').count()).toBe(2)
      await page.close()
    })

    test('plots the samples of a story when it is opened', async () => {
      const { page, complaints } = await open({ hash: '#network' })
      await page.getByText('The story of sampled').click()
      await expect
        .poll(() => page.evaluate<boolean>(`Chart.getChart(document.querySelector('#lab-sampled canvas')) !== undefined`))
        .toBe(true)
      const drawn = await page.evaluate<{ axis: string; labels: string[]; data: unknown[] }[]>(
        `[...document.querySelectorAll('#lab-sampled canvas')].map(Chart.getChart).map(({ data: { datasets }, scales }) => ({
        axis: scales.x.type, labels: datasets.map(({ label }) => label), data: datasets[0].data }))`,
      )
      expect(drawn).toEqual([
        { axis: 'linear', labels: ['packet lost', 'reno', 'ssthresh reno', 'cubic'], data: [{ x: 60, y: 20 }] },
        {
          axis: 'logarithmic',
          labels: ['reactor', 'process'],
          data: [
            { x: 10, y: 1 },
            { x: 1000, y: 3 },
          ],
        },
      ])
      expect(complaints).toEqual([])
      await page.close()
    })

    test('has a table of what was written down once', async () => {
      const { page } = await open({ hash: '#lab-sampled' })
      const rows = await page
        .locator('#lab-sampled table.figures tr')
        .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)))
      expect(rows).toEqual([
        ['', 'top (clients)', 'bytes behind the FIN'],
        ['process', '10 there is no memory for more', ''],
        ['', '', '1,048,576'],
      ])
      await page.close()
    })

    test('opens at the story that the address names', async () => {
      const { page } = await open({ hash: '#lab-long' })
      expect(await page.locator('#figures').isVisible()).toBe(false)
      expect(await page.locator('#lab-long svg.ladder').isVisible()).toBe(true)
      expect(await page.locator('#lab-long .ladder text.gap').first().textContent()).toMatch(/^… [\d,]+ packets not drawn …$/)
      await page.close()
    })

    test.each(['light', 'dark'] as const)('fits a phone in %s: only drawings scroll sideways', async (colorScheme) => {
      const { page } = await open({ hash: '#network', width: 390, colorScheme })
      await page.evaluate(`for (const story of document.querySelectorAll('details.lab')) story.open = true`)
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
      const paper = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
      expect(paper).toBe(colorScheme === 'light' ? 'rgb(246, 247, 249)' : 'rgb(18, 22, 27)')
      await page.close()
    })
  },
)
