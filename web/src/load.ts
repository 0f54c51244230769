// Reading: old rows stay until the new ones are here, and after a failure with their time.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "./api";
import { call, problem, type Answer, type Call, type Operation } from "./client";

export interface Loaded<T> {
  data: T | undefined;
  failed: Problem | undefined;
  loading: boolean;
  at: number;
  reload(): Promise<void>;
  patch(change: (old: T) => T): void;
}

export function useLoad<K extends Operation>(operation: K, given: Call<K>, wanted = true): Loaded<Answer<K>> {
  type T = Answer<K>;
  const key = `${operation} ${JSON.stringify(given)}`;
  const [state, set] = useState<{ data: T | undefined; failed: Problem | undefined; loading: boolean; at: number }>(
    { data: undefined, failed: undefined, loading: wanted, at: 0 });
  const running = useRef<AbortController | null>(null);
  const latest = useRef(given);
  latest.current = given;

  const reload = useCallback(async () => {
    running.current?.abort();
    const mine = running.current = new AbortController();
    set((s) => ({ ...s, loading: true }));
    try {
      const data = await call(operation, latest.current, mine.signal);
      if (!mine.signal.aborted) set({ data, failed: undefined, loading: false, at: Date.now() });
    } catch (e) {
      if (!mine.signal.aborted) set((s) => ({ ...s, failed: problem(e), loading: false }));
    }
  }, [operation]);

  useEffect(() => {
    if (!wanted) return;
    void reload();
    return () => running.current?.abort();
  }, [key, wanted, reload]);

  const patch = useCallback((change: (old: T) => T) =>
    set((s) => (s.data === undefined ? s : { ...s, data: change(s.data as T) })), []);
  return { ...state, reload, patch };
}

/** For acts: busy until the broker has answered, and the reason when it refused. */
export function useAct(): { busy: boolean; failed: Problem | undefined; run(act: () => Promise<void>): Promise<boolean>; clear(): void } {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Problem | undefined>();
  return {
    busy,
    failed,
    clear: () => setFailed(undefined),
    async run(act) {
      setBusy(true);
      setFailed(undefined);
      try {
        await act();
        return true;
      } catch (e) {
        setFailed(problem(e));
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
