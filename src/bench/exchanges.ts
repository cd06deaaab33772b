/** Which exchange a workload is. */
import { answerRoundTrips, answerThroughput, type Exchange, type Pinger, RoundTrips, Throughput } from './exchange.js'
import { answerOneWay, OneWay } from './one-way.js'
import type { Port } from './port.js'
import type { Workload } from './record.js'

interface Sides {
  ping(port: Port, exchange: Exchange): Pinger
  answer(port: Port, exchange: Exchange): Promise<void>
}

const roundTrips: Sides = { ping: (port, exchange) => new RoundTrips(port, exchange), answer: answerRoundTrips }
const throughput: Sides = { ping: (port, exchange) => new Throughput(port, exchange), answer: answerThroughput }

const SIDES: Record<Workload, Sides> = {
  'round-trip': roundTrips,
  throughput,
  'one-way': { ping: (port, exchange) => new OneWay(port, exchange), answer: answerOneWay },
  'fan-in': throughput,
  rendezvous: roundTrips,
  idle: roundTrips,
}

/** The side that measures. */
export const pinger = (port: Port, exchange: Exchange): Pinger => SIDES[exchange.workload].ping(port, exchange)

/** The other side. Settles when the channel has ended. */
export const answer = (port: Port, exchange: Exchange): Promise<void> => SIDES[exchange.workload].answer(port, exchange)
