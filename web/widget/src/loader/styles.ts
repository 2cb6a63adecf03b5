// Tokens of the look and the launcher. Values: the product's tokens.css.
export const css = `
:host { all: initial !important; position: static !important; display: block !important; contain: none !important; }
.p {
  --font: "Inter Variable", Inter, system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif;
  --w-normal: 420; --w-medium: 530; --w-strong: 620; --t-fast: 80ms; --t-base: 140ms; --t-slow: 220ms; --ease-out: cubic-bezier(.2, .8, .2, 1);
  color-scheme: light;
  --bg: #ffffff; --bg-raised: #ffffff; --bg-sunken: #f3f2ef; --hover: rgb(40 34 20 / .05); --line: #e7e5e0; --line-strong: #d3d0c9; --control-line: #8b877f;
  --text: #1c1b19; --text-2: #55524b; --text-3: #67635b; --ok: #17704a; --warn: #8a5300; --warn-soft: #fbeed6; --bad: #b3261e;
  --agent: #57544d; --on-agent: #ffffff;
  --shadow-1: 0 1px 2px rgb(30 26 16 / .06); --shadow-2: 0 4px 14px rgb(30 26 16 / .10), 0 0 0 1px rgb(30 26 16 / .06); --shadow-3: 0 24px 64px rgb(30 26 16 / .24), 0 0 0 1px rgb(30 26 16 / .08);
  font: var(--w-normal) 13px/18px var(--font); letter-spacing: -.006em; color: var(--text); text-align: start; -webkit-font-smoothing: antialiased;
}
.p[data-theme="dark"] {
  color-scheme: dark;
  --bg: #191a1c; --bg-raised: #222327; --bg-sunken: #26282c; --hover: rgb(255 255 255 / .045); --line: #2a2b2f; --line-strong: #3a3c41; --control-line: #75777e;
  --text: #ececec; --text-2: #b6b7bb; --text-3: #9a9ca2; --ok: #6bc99a; --warn: #e5b25c; --warn-soft: #2f2513; --bad: #ff9a8d;
  --agent: #45474d; --on-agent: #f1f1f2;
  --shadow-1: 0 1px 2px rgb(0 0 0 / .4); --shadow-2: 0 6px 18px rgb(0 0 0 / .45), 0 0 0 1px rgb(255 255 255 / .07); --shadow-3: 0 28px 72px rgb(0 0 0 / .6), 0 0 0 1px rgb(255 255 255 / .09);
}
.p:lang(zh) { letter-spacing: 0; line-height: 19px; }
.p, .p * { box-sizing: border-box; margin: 0; padding: 0; }
.p button { font: inherit; letter-spacing: inherit; color: inherit; background: none; border: 0; cursor: default; -webkit-tap-highlight-color: transparent; touch-action: manipulation; }
.p :focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.p [hidden] { display: none !important; }
.i { fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.p .lau { position: fixed; z-index: 2147483000; inset-inline-end: 16px; bottom: calc(16px + env(safe-area-inset-bottom, 0px)); width: 56px; height: 56px; border-radius: 50%; background: var(--accent); color: var(--on-accent); display: flex; align-items: center; justify-content: center; box-shadow: var(--shadow-2); transition: background var(--t-fast); }
.p[data-side="start"] .lau { inset-inline: 16px auto; }
.p .lau:hover { background: var(--accent-hover); }
.lau b { position: absolute; top: -3px; inset-inline-end: -3px; min-width: 22px; height: 22px; padding: 0 4px; border-radius: 11px; background: var(--bad); color: var(--bg); font: var(--w-strong) 12px/18px var(--font); font-variant-numeric: tabular-nums; border: 2px solid var(--bg); text-align: center; }
@media (prefers-reduced-motion: reduce) { .p { --t-fast: 0ms; --t-base: 0ms; --t-slow: 0ms; } }
@media (forced-colors: active) { .p .lau { border: 1px solid ButtonText; } }
@media print { .p { display: none; } }
`;
