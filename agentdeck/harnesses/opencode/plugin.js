// Reports what opencode does into the spool of the deck: one file per event, by rename, under the event
// names that every client of the deck reports. Does nothing outside a pane of the deck, and never throws.
import { renameSync, writeFileSync } from "node:fs"

const spool = process.env.DECK_SPOOL
let count = 0

function report(name, session, more = {}) {
  const file = `${process.pid}-${Date.now()}-${count++}`
  try {
    writeFileSync(`${spool}/.tmp.${file}`, JSON.stringify({ hook_event_name: name, session_id: session, ...more }))
    renameSync(`${spool}/.tmp.${file}`, `${spool}/e.${file}`)
  } catch {}
}

export const AgentDeck = async () => {
  if (!spool) return {}
  const parents = new Map() // from the session of a subagent to that of its human: what it does is work there
  const working = new Set() // sessions in a turn: the end of one that failed is told twice
  const failed = new Set() // sessions whose turn ended in an error, until it is said to be over

  const top = (session) => parents.get(session) ?? session

  // what a permission or question asks: the tool, and its input as far as it is told
  const ask = ({ permission, questions, metadata, patterns }) => ({
    tool_name: permission ?? "question",
    tool_input: questions ? { questions } : { ...metadata, patterns },
  })

  const events = {
    "session.created": ({ info }) => info.parentID && parents.set(info.id, top(info.parentID)),
    "session.status": ({ sessionID, status }) => {
      if (parents.has(sessionID)) return
      if (status.type !== "idle") working.add(sessionID)
      if (status.type === "busy") report("Busy", sessionID)
      if (status.type === "retry") report("Retry", sessionID, { attempt: status.attempt, error: status.message })
      if (status.type !== "idle" || !working.delete(sessionID)) return
      report(failed.delete(sessionID) ? "StopFailure" : "Stop", sessionID)
    },
    "session.error": ({ sessionID, error }) => error?.name !== "MessageAbortedError" && failed.add(sessionID),
    "permission.asked": (it) => report("PermissionRequest", top(it.sessionID), ask(it)),
    // a rejection ends the turn, which is told by itself
    "permission.replied": (it) =>
      it.reply !== "reject" && report("PermissionReply", top(it.sessionID), { decision: it.reply }),
    "question.asked": (it) => report("QuestionRequest", top(it.sessionID), ask(it)),
    "question.replied": (it) => report("QuestionReply", top(it.sessionID)),
  }

  return {
    event: async ({ event }) => events[event.type]?.(event.properties),
    "chat.message": async ({ sessionID }, { parts }) => {
      if (parents.has(sessionID)) return
      const prompt = parts.filter((part) => part.type === "text" && !part.synthetic).map((part) => part.text).join("\n")
      report("UserPromptSubmit", sessionID, { prompt })
    },
  }
}
