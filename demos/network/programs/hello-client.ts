/** Reads what a server has to say: hello-client ADDRESS PORT. */
import { connect } from 'node:net'

const [address, port] = process.argv.slice(2)
connect(Number(port), address).resume()
