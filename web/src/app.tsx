// The console starts here: who is signed in, which page the address names.
import { render, type ComponentChild } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, onStepUp, problem } from "./client";
import type { Problem } from "./api";
import { onKey } from "./keys";
import { startLive } from "./live";
import { Head } from "./parts/basics";
import { StepUp } from "./parts/dialog";
import { Failure } from "./parts/failure";
import { followLinks, usePlace } from "./route";
import { setTheme, Shell, theme } from "./shell";
import { useStore } from "./store";
import { me } from "./who";
import { ApisPage } from "./pages/apis";
import { GatewayPage } from "./pages/gateway";
import { AppPage } from "./pages/app";
import { AppsPage } from "./pages/apps";
import { AuditPage } from "./pages/audit";
import { ConnectorPage } from "./pages/connector";
import { DevicePage } from "./pages/device";
import { DevicesPage } from "./pages/devices";
import { EndpointPage } from "./pages/endpoint";
import { EnrolPage } from "./pages/enrol";
import { IncidentPage, IncidentsPage } from "./pages/incidents";
import { IntegrationsPage } from "./pages/integrations";
import { OverviewPage } from "./pages/overview";
import { PoliciesPage } from "./pages/policies";
import { PolicyPage } from "./pages/policy";
import { RequestsPage } from "./pages/requests";
import { SessionPage } from "./pages/session";
import { SessionsPage } from "./pages/sessions";
import { SettingsPage } from "./pages/settings";
import { SetupPage } from "./pages/setup";
import { SitesPage } from "./pages/sites";
import { UserPage } from "./pages/user";
import { UsersPage } from "./pages/users";
import { WhyPage } from "./pages/why";

function page(parts: string[]): ComponentChild {
  const [first = "", second, third] = parts;
  switch (`${first}${second ? "/x" : ""}${third ? `/${third}` : ""}`) {
    case "": return <OverviewPage />;
    case "apps": return <AppsPage />;
    case "apps/x": return <AppPage id={second!} key={second} />;
    case "policies": return <PoliciesPage />;
    case "policies/x": return <PolicyPage name={second!} key={second} />;
    case "sessions/x": return <SessionPage id={second!} key={second} />;
    case "sessions": return <SessionsPage />;
    case "requests": return <RequestsPage />;
    case "users": return <UsersPage />;
    case "users/x": return <UserPage id={second!} key={second} />;
    case "devices": return <DevicesPage />;
    case "devices/x": return <DevicePage id={second!} key={second} />;
    case "sites": return <SitesPage />;
    case "sites/x/enrol": return <EnrolPage site={second!} key={second} />;
    case "connectors/x": return <ConnectorPage id={second!} key={second} />;
    case "audit": return <AuditPage />;
    case "apis": return <ApisPage />;
    case "incidents": return <IncidentsPage />;
    case "incidents/x": return <IncidentPage id={second!} key={second} />;
    case "why": return <WhyPage />;
    case "why/x": return <WhyPage request={second!} key={second} />;
    case "integrations": return <IntegrationsPage />;
    case "settings": return <SettingsPage />;
    case "setup": return <SetupPage />;
  }
  if (first === "apis" && second && third === "gateway") return <GatewayPage id={second} key={second} />;
  if (first === "apis" && second && third) return <EndpointPage id={third} key={third} />;
  return <Head title="No such page">The address names nothing here. <a href="/">Overview</a></Head>;
}

function Console() {
  const who = useStore(me);
  const { path } = usePlace();
  const [failed, setFailed] = useState<Problem | undefined>();
  const [asking, setAsking] = useState<((good: boolean) => void) | undefined>();

  async function start() {
    setFailed(undefined);
    try {
      const mine = await call("me", {});
      if (mine.role === "person") return location.replace("/home");
      me.set(mine);
      startLive();
    } catch (e) {
      setFailed(problem(e));
    }
  }
  useEffect(() => {
    onStepUp(() => new Promise((resolve) => setAsking(() => (good: boolean) => {
      setAsking(undefined);
      resolve(good);
    })));
    void start();
  }, []);
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  useEffect(() => {
    document.title = `${parts.join(" · ") || "Overview"} · Sallyport`;
  }, [path]);

  if (failed && failed.code !== "login")
    return <main><Failure what="The console could not start." problem={failed} again={() => void start()} /></main>;
  if (!who) return <main aria-busy="true" />;
  return <><Shell me={who}>{page(parts)}</Shell>{asking && <StepUp done={asking} />}</>;
}

setTheme(theme.get());
addEventListener("click", followLinks);
addEventListener("keydown", onKey);
render(<Console />, document.getElementById("app")!);
