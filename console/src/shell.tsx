/** The frame of every screen: navigation, search, help, and the account. */
import type { FunctionComponent, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "./dialog.tsx";
import { useKeys } from "./keys.ts";
import { Find } from "./find.tsx";
import { docs } from "./marks.tsx";
import { forget } from "./names.ts";
import { back, go, href, isFocused, placeOf, THINGS, useRoute, type Params, type Screen } from "./route.ts";
import { forgetLists } from "./rows.tsx";
import { signOut, useSession } from "./session.ts";
import { MessageScreen } from "./screens/message.tsx";
import { MessagesScreen } from "./screens/messages.tsx";
import { OperationScreen } from "./screens/operation.tsx";
import { OperationsScreen } from "./screens/operations.tsx";
import { OverviewScreen } from "./screens/overview.tsx";
import { PoolScreen } from "./screens/pool.tsx";
import { PoolsScreen } from "./screens/pools.tsx";
import { RequestScreen } from "./screens/request.tsx";
import { forgetRequests, RequestsScreen } from "./screens/requests.tsx";
import { ResolveScreen } from "./screens/resolve.tsx";
import { SendersScreen } from "./screens/senders.tsx";
import { SignIn } from "./screens/sign-in.tsx";
import { Strip } from "./strip.tsx";

const BODIES: Record<Screen, FunctionComponent<{ params: Params }>> = {
  overview: OverviewScreen,
  operations: OperationsScreen,
  operation: OperationScreen,
  pools: PoolsScreen,
  pool: PoolScreen,
  senders: SendersScreen,
  resolve: ResolveScreen,
  requests: RequestsScreen,
  request: RequestScreen,
  messages: MessagesScreen,
  message: MessageScreen,
};

const PLACES: readonly { screen: Screen; name: string; key: string; also?: Screen }[] = [
  { screen: "overview", name: "Overview", key: "1" },
  { screen: "operations", name: "Operations", key: "2", also: "operation" },
  { screen: "pools", name: "Pools", key: "3", also: "pool" },
  { screen: "senders", name: "Senders", key: "4" },
  { screen: "resolve", name: "Resolve", key: "5" },
  { screen: "requests", name: "Requests", key: "6", also: "request" },
  { screen: "messages", name: "Messages", key: "7", also: "message" },
];

const HELP: readonly [string, string][] = [
  ["/ or Ctrl K", "Search: a name, an address, a tag, the end of an id, a screen"],
  ["1 … 7", "Overview, Operations, Pools, Senders, Resolve, Requests, Messages"],
  ["j k ↓ ↑", "The next and the previous row of a list"],
  ["Enter", "Open the row"],
  ["Home", "The first row"],
  ["c", "Copy the id of the row"],
  ["n", "New pool on Pools, import on Senders, add on a pool"],
  ["Esc", "Close what is open; from one thing back to where you came from"],
  ["?", "This help"],
];

export function Shell(): JSX.Element {
  const { credentials, asked, refused } = useSession();
  const route = useRoute();
  const { screen, params } = route;
  const thing = THINGS.find((one) => one === screen);
  const [help, setHelp] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const Body = BODIES[screen];
  const place = PLACES.find((one) => one.screen === screen || one.also === screen);
  const account = credentials?.sid;
  useEffect(() => {
    if (!account) document.title = "Sign in · Signalbox";
    return () => {
      forget();
      forgetLists();
      forgetRequests();
    };
  }, [account]);
  useEffect(() => {
    const find = (event: KeyboardEvent) => {
      if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      if (!search.current || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      search.current.focus();
      search.current.select();
    };
    addEventListener("keydown", find);
    return () => removeEventListener("keydown", find);
  }, []);
  useFocusOnChange(placeOf(route));
  useEffect(() => {
    document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [place, credentials === null]);
  useKeys({
    "?": () => setHelp(true),
    "/": () => search.current?.focus(),
    ...Object.fromEntries(PLACES.map((one) => [one.key, () => credentials && go(one.screen)])),
    Escape: () => {
      if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
      else if (thing) back(`${thing}s`);
    },
  });
  if (!credentials) return <main class="outside">{asked && <SignIn refused={refused} />}</main>;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.querySelector("main")?.focus())}>
        Skip to the screen
      </a>
      <header class="top">
        <a class="brand" href={href("overview")}>
          Signalbox
        </a>
        <Find input={search} places={PLACES} />
        <div class="who">
          <code title={credentials.sid}>{`${credentials.sid.slice(0, 6)}…${credentials.sid.slice(-4)}`}</code>
          <a href={docs("console")}>Docs</a>
          <button class="plain" onClick={() => setHelp(true)} aria-label="Keys">
            ?
          </button>
          <button class="plain" onClick={() => signOut()}>
            Sign out
          </button>
        </div>
      </header>
      <nav aria-label="Screens">
        {PLACES.map((one) => (
          <a key={one.screen} href={href(one.screen)} aria-current={place === one ? "page" : undefined}>
            {one.name}
            <kbd aria-hidden="true">{one.key}</kbd>
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        <Body key={`${placeOf(route)} ${credentials.sid}`} params={params} />
      </main>
      <Strip />
      {help && <Help close={() => setHelp(false)} />}
    </>
  );
}

/**
 * Moves the focus to the heading of a new screen, so that screen readers announce it; not for the first screen, and not
 * where a list has put it back on its row.
 */
function useFocusOnChange(place: string): void {
  const before = useRef(place);
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    if (!isFocused() && !document.querySelector("dialog[open]")) document.querySelector("h1")?.focus({ preventScroll: true });
  }, [place]);
}

function Help({ close }: { close: () => void }): JSX.Element {
  return (
    <Dialog title="Keys" close={close}>
      <dl class="keys">
        {HELP.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">
        Every screen shows the API call behind it; <b>Copy curl</b> copies it for a shell prepared by{" "}
        <code>eval "$(signalbox env)"</code>. More in <a href={docs("console")}>the docs</a>.
      </p>
    </Dialog>
  );
}
