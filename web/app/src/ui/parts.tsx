// The small parts that every screen is made of.
import { Tooltip } from "@mantine/core";
import type { ButtonHTMLAttributes, CSSProperties, ReactNode, Ref } from "react";
import { AssistantMark, Icon } from "./Icon";
import type { IconName } from "./icons";
import { symbol } from "./sprite";
import s from "./ui.module.css";

export const cx = (...names: (string | false | undefined)[]): string => names.filter(Boolean).join(" ");

/** A custom property as a style: the only way a hue reaches the style sheet. */
export const hue = (h: number): CSSProperties => ({ "--h": h }) as CSSProperties;

export function initials(name: string): string {
  const words = name
    .trim()
    .split(/\s+/u)
    .filter((w) => /^[\p{L}\p{N}]/u.test(w));
  const one = words[0] ?? "";
  if (/^\p{Script=Han}/u.test(one)) return one.slice(0, 1);
  const last = words.length > 1 ? (words[words.length - 1] ?? "") : "";
  return ((one[0] ?? "?") + (last[0] ?? "")).toUpperCase();
}

type Size = 18 | 22 | 26 | 28 | 36;

export function Avatar({
  name,
  size = 28,
  kind = "customer",
  children,
}: {
  name: string;
  size?: Size;
  kind?: "customer" | "agent" | "assistant";
  children?: ReactNode;
}) {
  return (
    <span className={cx(s.av, s[`s${size}`], kind === "agent" && s.agent, kind === "assistant" && s.assistant)}>
      {kind === "assistant" ? (
        <AssistantMark size={Math.round(size * 0.62)} />
      ) : (
        <span aria-hidden className={s.ini} data-i={initials(name)} />
      )}
      {children}
    </span>
  );
}

/** A channel's glyph in its colour. The word stands beside it, or is its label. */
export function Glyph({
  icon,
  h,
  size = 14,
  label,
  bare,
}: {
  icon: string;
  h: number;
  size?: number;
  label?: string;
  bare?: boolean;
}) {
  const svg = (
    <svg className="i" width={size} height={size} {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })}>
      <use href={symbol(icon)} />
    </svg>
  );
  if (bare) return svg;
  return (
    <span className={s.ch} style={hue(h)}>
      {svg}
    </span>
  );
}

export function Kbd({ children }: { children: string }) {
  return <kbd className={s.kbd}>{children}</kbd>;
}

const mac = /Mac|iP(hone|ad)/.test(navigator.platform);
const names: Record<string, string> = {
  mod: mac ? "⌘" : "Ctrl",
  shift: "⇧",
  alt: mac ? "⌥" : "Alt",
  enter: "↵",
  escape: "Esc",
  end: "End",
  arrowup: "↑",
  arrowdown: "↓",
};

/** A combination such as "mod+shift+enter" as its keys; "g i" is one key after the other. */
export function keyNames(combo: string): string[] {
  return combo.split(/[+ ]/).map((k) => names[k] ?? k.toUpperCase());
}

export function Keys({ combo, joined }: { combo: string; joined?: boolean }) {
  const keys = keyNames(combo);
  if (joined) return <Kbd>{keys.join(mac ? "" : " ")}</Kbd>;
  return (
    <span>
      {keys.map((k) => (
        <Kbd key={k}>{k}</Kbd>
      ))}
    </span>
  );
}

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: "primary" | "danger" | "plain";
  size?: "small" | "large";
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
};

export function Button({ look, size, busy, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={cx(s.btn, look && s[look], size && s[size], className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy ? <i className={s.spin} /> : null}
      {children}
    </button>
  );
}

/** An icon alone: always with a name, and a tooltip that shows its key. */
export function IconButton({
  icon,
  label,
  combo,
  size = 17,
  className,
  ...rest
}: { icon: IconName; label: string; combo?: string; size?: number } & ButtonHTMLAttributes<HTMLButtonElement> & {
    ref?: Ref<HTMLButtonElement>;
  }) {
  return (
    <Hint label={label} {...(combo ? { combo } : {})}>
      <button type="button" className={cx(s.ib, className)} aria-label={label} {...rest}>
        <Icon name={icon} size={size} />
      </button>
    </Hint>
  );
}

/** A tooltip after a moment, with the key that does the same. */
export function Hint({ label, combo, children }: { label: string; combo?: string; children: ReactNode }) {
  return (
    <Tooltip
      label={combo ? `${label}  ${keyNames(combo).join(" ")}` : label}
      openDelay={400}
      transitionProps={{ duration: 140 }}
      withinPortal
      events={{ hover: true, focus: false, touch: false }}
    >
      {children}
    </Tooltip>
  );
}

export function Ring({ part, size = 12 }: { part: number; size?: number }) {
  const r = size / 2 - 1.5;
  const round = 2 * Math.PI * r;
  return (
    <svg className={s.ring} width={size} height={size} aria-hidden="true">
      <circle cx={size / 2} cy={size / 2} r={r} />
      <circle cx={size / 2} cy={size / 2} r={r} strokeDasharray={`${Math.max(0.04, Math.min(1, part)) * round} ${round}`} />
    </svg>
  );
}

export function Dot({ look }: { look?: "ok" | "warn" | "bad" }) {
  return <i className={cx(s.dot, look && s[look])} />;
}

export function Tag({ children }: { children: ReactNode }) {
  return <span className={s.tag}>{children}</span>;
}

export function Spinner() {
  return <i className={s.spin} role="presentation" />;
}

/** Nothing here: what it means, what else there is, one button. */
export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon?: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={s.empty}>
      {icon ? <Icon name={icon} size={26} stroke={1.4} /> : null}
      <b>{title}</b>
      {children ? <p>{children}</p> : null}
      {action}
    </div>
  );
}

export { s as parts };
