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

/** The rest are round trips, whatever is timed about them. */
const SIDES: Partial<Record<Workload, Sides>> = {
  throughput,
  gathered: { ping: (port, exchange) => new Throughput(port, exchange, true), answer: answerThroughput },
  'one-way': { ping: (port, exchange) => new OneWay(port, exchange), answer: answerOneWay },
  'fan-in': throughput,
}
const sidesOf = ({ workload }: Exchange): Sides => SIDES[workload] ?? roundTrips

/** The side that measures. */
export const pinger = (port: Port, exchange: Exchange): Pinger => sidesOf(exchange).ping(port, exchange)

/** The other side. Settles when the channel has ended. */
export const answer = (port: Port, exchange: Exchange): Promise<void> => sidesOf(exchange).answer(port, exchange)
