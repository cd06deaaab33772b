/** The story's side of its programs, which are files of this folder. */
import { fileURLToPath } from 'node:url'
import { entering, type Host } from '../../../src/lab/host.js'
import { type Lab, Refuted } from '../../../src/lab/lab.js'
import type { NodeProcess } from '../../../src/stage/node-process.js'

/** Starts the program of this name in a host; what follows are its arguments. */
export function start(lab: Lab, host: Host, role: string, name: string, ...task: readonly (string | number)[]): Promise<NodeProcess> {
  const path = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
  return lab.stage.node(role, [path, ...task.map(String)], { through: entering(host.pid) })
}

/** Waits for what the program has to tell next. @throws Refuted where it tells something else */
export async function tells(node: NodeProcess, ...wanted: readonly string[]): Promise<void> {
  for (const text of wanted) {
    const told = await node.told()
    if (told !== text) throw new Refuted(`process ${node.pid} told ${JSON.stringify(told)}, not ${JSON.stringify(text)}`)
  }
}
