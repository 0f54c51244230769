// The smallest observable value, and the hook that follows it.
import { useEffect, useReducer } from "preact/hooks";

export interface Store<T> {
  get(): T;
  set(value: T): void;
  follow(told: () => void): () => void;
}

export function store<T>(value: T): Store<T> {
  const followers = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const told of [...followers]) told();
    },
    follow(told) {
      followers.add(told);
      return () => void followers.delete(told);
    },
  };
}

export function useStore<T>(s: Store<T>): T {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => s.follow(() => redraw(undefined as never)), [s]);
  return s.get();
}
