// Who is signed in, and what that person may do.
import type { Me, Role } from "./api";
import { store } from "./store";

export const me = store<Me | undefined>(undefined);

const order: Role[] = ["person", "viewer", "operator", "admin"];

export function may(role: Role): boolean {
  const mine = me.get()?.role;
  return mine !== undefined && order.indexOf(mine) >= order.indexOf(role);
}
