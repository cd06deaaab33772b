/** A trap: what textbooks get wrong, and a kernel shows. Each file of this folder is one, by its number in the oracle. */
export { onStage as trap } from '../on-stage.js'
