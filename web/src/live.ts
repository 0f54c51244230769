// One websocket a tab. It resumes after the last event id; when it is lost the page says so, ages go
// on counting and acts stay possible.
import type { LiveEvent } from "./api";
import { store } from "./store";

export type Live = { on: true } | { on: false; retryAt: number };
export const live = store<Live>({ on: false, retryAt: 0 });

/** "reset": the broker no longer holds what was missed; read the lists again. */
type Told = (event: LiveEvent | "reset") => void;
const followers = new Set<Told>();
let last = 0;
let tries = 0;

export function onLive(told: Told): () => void {
  followers.add(told);
  return () => void followers.delete(told);
}

export function startLive(): void {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/api/v1/live`, "sallyport-live.1");
  socket.onopen = () => {
    tries = 0;
    live.set({ on: true });
    socket.send(JSON.stringify({ after: last }));
  };
  socket.onmessage = (message) => {
    const event = JSON.parse(message.data as string) as LiveEvent | { reset: true; id: number };
    last = event.id;
    for (const told of [...followers]) told("reset" in event ? "reset" : event);
  };
  socket.onclose = () => {
    const wait = Math.min(60_000, 1000 * 2 ** tries++) * (0.5 + Math.random() / 2);
    live.set({ on: false, retryAt: Date.now() + wait });
    setTimeout(startLive, wait);
  };
}
