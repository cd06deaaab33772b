// Puts what is read at run time beside the compiled code: the oracle's table, and what the HTML report inlines,
// its own page parts and the chart library.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'

for (const folder of ['report', 'matrix']) {
  const from = `src/${folder}/assets`
  mkdirSync(`dist/${from}`, { recursive: true })
  for (const name of readdirSync(from)) copyFileSync(`${from}/${name}`, `dist/${from}/${name}`)
}
copyFileSync('node_modules/chart.js/dist/chart.umd.min.js', 'dist/src/report/assets/chart.js')
