import { expect, test } from 'vitest'
import tcpStates from '../../demos/network/tcp-states.js'
import { Lab } from '../../src/lab/lab.js'
import { TCP_STATES } from '../../src/lab/tcp-state.js'
import { call } from '../../src/stage/call.js'
import { Company } from '../../src/stage/company.js'
import { Skip } from '../../src/stage/stage.js'

test('where there is no TUN the wire lies between Ethernet cables, and its hosts cannot tell', async ({ skip }) => {
  const company = await Company.gather()
  const lab = new Lab(company, undefined, {
    rewrite: (asked) => (asked.name === 'tun_open' ? call('open', '/dev/net/none', 0, 0) : asked),
  })
  try {
    await tcpStates.play(lab)
  } catch (error) {
    if (error instanceof Skip) return skip(error.message)
    throw error
  } finally {
    await lab.clear()
    await company.close()
  }
  const { events, backend } = lab.recorder.trace('', '', lab.backend)
  expect(backend).toBe('wire')
  expect(new Set(events.flatMap(({ state }) => state?.to ?? []))).toEqual(new Set(TCP_STATES))
  expect(events.some(({ packet }) => packet?.text === 'SYN ACK')).toBe(true)
}, 60_000)
