/** Packages in CommonJS, and files that only `require` loads: addons. */
import { createRequire } from 'node:module'

/** As this package requires, or the bundle that it is a part of; one in CommonJS has no `import.meta.url`. */
export const require = createRequire(import.meta.url ?? __filename)
