// Puts the addon that was built here where an installed package finds it. Named as prebuildify names it.
import { copyFileSync, mkdirSync } from 'node:fs'

const folder = `prebuilds/${process.platform}-${process.arch}`
const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
mkdirSync(folder, { recursive: true })
copyFileSync('build/Release/ipc_playground.node', `${folder}/node.napi.${libc}.node`)
