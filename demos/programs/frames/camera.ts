import { connect, joinParent } from 'ipc-playground'

const [address = '', bytes = ''] = process.argv.slice(2)
const parent = await joinParent()
const channel = await connect(address)
const { zeroCopy } = channel
if (zeroCopy === undefined) throw new Error('no ring')
for (let frame = 1; frame <= 3; frame++) {
  using claim = await zeroCopy.claim(Number(bytes))
  claim.data.fill(frame)
  claim.commit()
}
await channel.close()
await parent.close()
