// The panel: header, state of the line, thread, composer.
import type { ComponentChildren } from "preact";
import { useCallback, useRef, useState } from "preact/hooks";
import type { View } from "../core/view";
import { initialsOf, sizeOf, transcript } from "../model/show";
import type { Strings } from "../model/strings";
import { Composer } from "./composer";
import { usePanel } from "./context";
import { Icon } from "./icon";
import { Log } from "./log";
import { type Choice, Menu } from "./menu";

export interface Settings {
  sound: boolean;
  notify: boolean;
}

interface Props {
  view: View;
  modal: boolean;
  keys: boolean; // the phone's keyboard is open
  settings: Settings;
  setSettings: (s: Settings) => void;
  onClose: () => void;
  onForget: () => void;
  onEnd: (there: boolean) => void;
  area: { current: HTMLTextAreaElement | null };
}

const DEFAULT_TEXT = 8000;
const DEFAULT_FILE = 25 * 1024 * 1024;

export function App(p: Props) {
  const { engine, s } = usePanel();
  const { view } = p;
  const frame = useRef<HTMLElement>(null);
  const [over, setOver] = useState(false);
  const limits = view.config.limits;
  const addFiles = (files: Iterable<File>) => {
    const max = limits?.file ?? DEFAULT_FILE;
    engine.start();
    for (const f of files) {
      if (f.size > max) engine.sender.reject(f, s.tooBig(sizeOf(max)));
      else if (f.size === 0) engine.sender.reject(f, s.empty);
      else engine.sender.file(f);
    }
  };
  const dead = trouble(view, s) !== undefined;
  const closed = dead || (!view.formDone && (view.config.form ?? []).some((f) => f.required));
  return (
    <section
      ref={frame}
      class="wg"
      role="dialog"
      aria-label={s.chatWith(view.config.title || location.hostname)}
      aria-modal={p.modal}
      tabIndex={-1}
      data-keys={p.keys || undefined}
      onKeyDown={(e) => frameKeys(e, frame.current, p)}
      onDragOver={(e) => {
        if (!e.dataTransfer?.types.includes("Files") || closed) return;
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={(e) => !frame.current?.contains(e.relatedTarget as Node | null) && setOver(false)}
      onDrop={(e) => {
        setOver(false);
        if (!e.dataTransfer?.files.length || closed) return;
        e.preventDefault();
        addFiles([...e.dataTransfer.files]);
      }}
    >
      <Header {...p} />
      <Banner view={view} />
      <Log view={view} onEnd={p.onEnd} />
      {!closed && <Composer limit={limits?.text ?? DEFAULT_TEXT} addFiles={addFiles} area={p.area} />}
      <p class="wp">
        {s.runsOn}
        {view.config.privacyUrl && /^https?:/i.test(view.config.privacyUrl) && (
          <>
            {" "}
            <a href={view.config.privacyUrl} target="_blank" rel="noopener noreferrer">
              {s.privacy}
            </a>
          </>
        )}
      </p>
      {over && <div class="dropz">{s.dropHere}</div>}
    </section>
  );
}

/** Esc closes; on a phone, where the panel covers the page, Tab stays inside. */
function frameKeys(e: KeyboardEvent, frame: HTMLElement | null, p: Props): void {
  if (e.key === "Escape") {
    e.stopPropagation();
    p.onClose();
  }
  if (e.key !== "Tab" || !p.modal || !frame) return;
  const all = [...frame.querySelectorAll<HTMLElement>("button, a[href], textarea, input, [tabindex='0']")].filter(
    (el) => el.tabIndex >= 0 && el.getClientRects().length > 0 && !(el as HTMLButtonElement).disabled,
  );
  const at = (frame.getRootNode() as ShadowRoot).activeElement;
  const edge = e.shiftKey ? all[0] : all[all.length - 1];
  if (at !== edge && at !== frame) return;
  e.preventDefault();
  (e.shiftKey ? all[all.length - 1] : all[0])?.focus();
}

function Header({ view, settings, setSettings, onClose, onForget }: Props) {
  const { s, locale } = usePanel();
  const [menu, setMenu] = useState(false);
  const more = useRef<HTMLButtonElement>(null);
  const closeMenu = useCallback(() => {
    setMenu(false);
    more.current?.focus();
  }, []);
  const title = view.config.title;
  const who = speaker(view);
  const choices: Choice[] = [
    { title: settings.sound ? s.soundOff : s.soundOn, run: () => setSettings({ ...settings, sound: !settings.sound }) },
    ...("Notification" in window && Notification.permission !== "denied"
      ? [
          {
            title: settings.notify ? s.notifyOff : s.notifyOn,
            run: () => setSettings({ ...settings, notify: !settings.notify }),
          },
        ]
      : []),
    { title: s.save, run: () => save(transcript(view.thread.messages, locale, s)) },
    { title: s.forget, bad: true, run: () => confirm(s.forgetSure) && onForget() },
  ];
  return (
    <div class="wh">
      <span class="av s36" aria-hidden="true">
        {who ? who.initials : initialsOf(title || "·")}
      </span>
      <div class="who">
        <h1>{who ? s.from(who.name, title) : title}</h1>
        <Status view={view} />
      </div>
      <button
        ref={more}
        type="button"
        class="ib"
        aria-label={s.more}
        title={s.more}
        aria-haspopup="menu"
        aria-expanded={menu}
        onClick={() => setMenu(!menu)}
      >
        <Icon name="dots" size={20} />
      </button>
      <button type="button" class="ib" aria-label={s.close} title={s.close} onClick={onClose}>
        <Icon name="chevronDown" size={22} />
      </button>
      {menu && <Menu choices={choices} close={closeMenu} />}
    </div>
  );
}

/** Who the customer talks with: whoever of us wrote last, else the first of the account's people. */
function speaker(view: View): { name: string; initials: string } | undefined {
  const last = [...view.thread.messages].reverse().find((m) => !m.mine && m.actor.kind === "agent" && m.actor.name);
  const known = view.config.agents ?? [];
  const full = last?.actor.name ?? known[0]?.name;
  if (!full) return undefined;
  const initials = known.find((a) => a.name === full)?.initials ?? initialsOf(full);
  return { name: full.split(" ")[0] ?? full, initials };
}

function Status({ view }: { view: View }) {
  const { s } = usePanel();
  if (view.line === "down") return <Line>{s.youOffline}</Line>;
  if (view.session !== "ready") return <Line>{view.session === "starting" ? s.connecting : ""}</Line>;
  if (!view.online) return <Line>{s.away}</Line>;
  return <Line ok>{view.config.replyTime ? s.answersIn(view.config.replyTime) : s.here}</Line>;
}

function Line({ ok, children }: { ok?: boolean; children: ComponentChildren }) {
  return (
    <small>
      <i class={ok ? "dot ok" : "dot"} />
      <span>{children}</span>
    </small>
  );
}

/** Why nobody can write here, if so. */
function trouble(view: View, s: Strings): string | undefined {
  if (view.session === "barred") return s.barred;
  if (view.session === "gone") return s.gone;
  return view.session === "signin" ? s.signIn : undefined;
}

function Banner({ view }: { view: View }) {
  const { engine, s } = usePanel();
  const text = trouble(view, s);
  if (text)
    return (
      <div class="off" role="alert">
        <Icon name="alert" size={18} />
        <span>{text}</span>
      </div>
    );
  if (view.line !== "down") return null;
  return (
    <div class="off" role="status">
      <Icon name="cloudOff" size={18} />
      <span>
        <b>{s.noConnection}</b> {s.writeOn}
      </span>
      <button type="button" class="btn" onClick={() => engine.wake()}>
        {s.tryNow}
      </button>
    </div>
  );
}

function save(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const a = document.createElement("a");
  a.href = url;
  a.download = "conversation.txt";
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
