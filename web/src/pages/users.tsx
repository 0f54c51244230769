// Who can sign in, with which second factor.
import type { User } from "../api";
import { useLoad } from "../load";
import { Ago, Badge, Head, Name, State, Words } from "../parts/basics";
import { Filters, isFiltered, Table } from "../parts/table";
import { usePlace } from "../route";
import { count } from "../words";

export function Factor({ user }: { user: User }) {
  if (user.factor === "totp") return <State mood="ok">Code</State>;
  if (user.factor === "totp_locked") return <State mood="bad" icon="stop">Code, locked out</State>;
  return <State mood="warn">None yet</State>;
}

export function UserState({ user }: { user: User }) {
  return user.state === "locked" ? <State mood="bad" icon="stop">Locked</State> : <State mood="ok">Active</State>;
}

export function UsersPage() {
  const { query } = usePlace();
  const load = useLoad("userList", { query: { q: query.get("q") ?? "", group: query.get("group") ?? "", state: (query.get("state") ?? "") as User["state"], sort: (query.get("sort") ?? "") as "name", after: query.get("after") ?? "" } });
  const groups = useLoad("groupList", { query: { limit: 200 } });
  const rows = load.data?.items ?? [];
  const bare = rows.filter((u) => u.factor === "none").length, locked = rows.filter((u) => u.state === "locked").length;
  return (
    <>
      <Head title="Users">{load.data && <>{count(load.data.total, "user")} {load.data.total === 1 ? "has" : "have"} signed in.
        {" "}{bare ? `${bare} of these ${bare === 1 ? "has" : "have"} no second factor yet.` : "Each has a second factor."}{locked > 0 && ` ${locked} locked.`}</>}</Head>
      <Filters views="users" find="Filter users" chips={[
        { name: "group", label: "Group", choices: groups.data?.items.map((g) => ({ value: g.name, text: g.name })) ?? [] },
        { name: "state", label: "State", choices: [{ value: "active", text: "active" }, { value: "locked", text: "locked" }] }]} />
      <Table<User> title="Users" page={load.data} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(u) => u.id}
        filtered={isFiltered(query) ? "No user matches." : undefined} sorted="name"
        empty={<p>Nobody has signed in yet. People appear here with their first sign-in; the <a href="/integrations">identity provider</a> says who may.</p>}
        columns={[
          { head: "User", part: "main", sort: "name", cell: (u) => <><a href={`/users/${u.id}`}><Name text={u.name} /></a><span class="two"><Name text={u.provider} /></span></> },
          { head: "Groups", kind: "p2", cell: (u) => u.groups_known ? <Words text={u.groups.join(", ") || "none"} /> : <State mood="warn">could not be read</State> },
          { head: "Role", kind: "p3", cell: (u) => u.role === "person" ? <span class="dim">none</span> : <Badge>{u.role}</Badge> },
          { head: "Devices", kind: "r p3", cell: (u) => u.devices ? <a href={`/devices?user=${u.id}`}>{u.devices}</a> : 0 },
          { head: "Sessions", kind: "r", cell: (u) => u.sessions_live ? <a href={`/sessions?user=${u.id}`}>{u.sessions_live}</a> : 0 },
          { head: "Second factor", kind: "p2", cell: (u) => <Factor user={u} /> },
          { head: "Signed in", kind: "r p3", sort: "seen", cell: (u) => <Ago at={u.signed_in_at} /> },
          { head: "State", cell: (u) => <UserState user={u} /> }]} />
    </>
  );
}
