import { joinParent, respond } from 'ipc-playground'

await respond(await joinParent(), (request) => request)
