// What was cut and how long it took: times that relay and connector reported, never a timer's guess.
import type { Cut } from "../api";
import { count, duration, sentence } from "../words";
import { Note } from "./basics";

const SLOW_MS = 2000;

export function CutNote({ cut, what }: { cut: Cut; what: string }) {
  const silent = [...new Set(cut.sessions.flatMap((s) => s.silent))];
  if (!cut.killed) return <Note mood="ok" title={what}>No session was live.</Note>;
  if (silent.length)
    return <Note mood="bad" title={`${what}. ${sentence(silent)} has not confirmed.`}>
      {cut.took_ms === null ? "No edge has reported its last byte yet." : `Cut after ${duration(cut.took_ms)} where it was confirmed; no byte passes without the relay.`}</Note>;
  const slow = cut.took_ms !== null && cut.took_ms > SLOW_MS;
  return <Note mood={slow ? "bad" : "ok"} title={`${what}: ${count(cut.killed, "session")} cut${cut.took_ms === null ? "" : ` in ${duration(cut.took_ms)}`}.`}>
    {slow ? "That is over 2 s." : "Relay and connector have both reported their last byte."}</Note>;
}
