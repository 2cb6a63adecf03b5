// The panel's looks. Sizes are the design's: they come from its page of the widget.
export const css = `
.p .wg { position: fixed; z-index: 2147483001; inset-inline-end: 16px; bottom: calc(84px + env(safe-area-inset-bottom, 0px)); width: 384px; height: min(660px, calc(100vh - 104px)); height: min(660px, calc(100dvh - 104px)); display: flex; flex-direction: column; border-radius: 16px; background: var(--bg); color: var(--text); box-shadow: var(--shadow-3); overflow: hidden; animation: in var(--t-slow) var(--ease-out); }
.p[data-side="start"] .wg, .p[data-side="start"] .tease { inset-inline: 16px auto; }
@keyframes in { from { opacity: 0; transform: translateY(8px); } }
.p .ib { display: inline-flex; align-items: center; justify-content: center; flex: none; width: 44px; height: 44px; border-radius: 6px; color: var(--text-2); }
.p .ib:hover { background: var(--hover); color: var(--text); }
.p .btn { display: inline-flex; align-items: center; justify-content: center; flex: none; height: 24px; padding: 0 8px; border-radius: 6px; border: 1px solid var(--line-strong); background: var(--bg-raised); color: var(--text); font-weight: var(--w-medium); font-size: 12px; box-shadow: var(--shadow-1); position: relative; }
.p .btn::after { content: ""; position: absolute; inset: -11px 0; }
.p .btn:hover { background: var(--bg-sunken); }
.p .btn.l { height: 44px; padding: 0 20px; font-size: 14px; background: var(--accent); color: var(--on-accent); border-color: transparent; box-shadow: none; }
.p .btn.l:hover { background: var(--accent-hover); }
.p .btn.q { background: none; color: var(--text-2); box-shadow: none; border: 0; }
.p a { color: var(--accent-text); text-underline-offset: 2px; }
.p .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.av { display: inline-flex; align-items: center; justify-content: center; flex: none; width: 28px; height: 28px; border-radius: 50%; background: var(--agent); color: var(--on-agent); font-size: 10px; font-weight: var(--w-strong); letter-spacing: 0; }
.av.s36 { width: 36px; height: 36px; font-size: 13px; }
.dot { display: inline-block; width: 7px; height: 7px; border-radius: 50%; background: var(--text-3); flex: none; } .dot.ok { background: var(--ok); }

.wh { display: flex; align-items: center; gap: 10px; height: 60px; padding-inline: 14px 8px; border-bottom: 1px solid var(--line); flex: none; }
.wh .who { flex: 1; min-width: 0; line-height: 17px; } .wh h1 { font: var(--w-strong) 14px/17px var(--font); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.wh small { display: flex; align-items: center; gap: 5px; color: var(--text-3); font-size: 12px; }
.off { display: flex; align-items: center; gap: 8px; padding: 9px 14px; background: var(--warn-soft); color: var(--warn); font-size: 12px; line-height: 16px; flex: none; } .off b { font-weight: var(--w-strong); } .off span { flex: 1; }

.wb { flex: 1; min-height: 0; overflow: hidden auto; overscroll-behavior: contain; scrollbar-width: thin; display: flex; flex-direction: column; padding: 12px 14px; outline-offset: -2px !important; }
.log { display: flex; flex-direction: column; gap: 6px; margin-top: auto; }
.gre { padding-bottom: 6px; } .gre h2 { font: var(--w-strong) 20px/26px var(--font); letter-spacing: -.015em; } .gre p { color: var(--text-3); white-space: pre-line; }
.day { align-self: center; padding: 6px 0 2px; font-size: 12px; line-height: 17px; color: var(--text-3); }
.wm { max-width: 82%; align-self: flex-start; display: flex; flex-direction: column; align-items: flex-start; }
.wm .b { padding: 8px 12px; border-radius: 14px; border-end-start-radius: 4px; background: var(--bg-sunken); font-size: 14px; line-height: 20px; white-space: pre-wrap; overflow-wrap: anywhere; min-width: 0; max-width: 100%; }
.wm.me { align-self: flex-end; align-items: flex-end; } .wm.me .b { background: var(--accent); color: var(--on-accent); border-radius: 14px; border-end-end-radius: 4px; } .wm.me .b a { color: inherit; }
.wm .b.gone { background: none; color: var(--text-3); border: 1px solid var(--line-strong); }
.wm .f { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; color: var(--text-3); font-size: 12px; line-height: 17px; margin-top: 3px; } .wm.me .f { justify-content: flex-end; text-align: end; }
.wm .f.bad { color: var(--bad); gap: 4px 6px; } .wm .f.bad span { max-width: calc(100% - 20px); } .wn { display: flex; gap: 6px; align-items: center; font-size: 12px; line-height: 17px; color: var(--text-3); margin-top: 4px; }
.quo { font-size: 12px; line-height: 17px; opacity: .85; border-inline-start: 2px solid currentColor; padding-inline-start: 6px; margin-bottom: 4px; max-height: 34px; overflow: hidden; }
.rea { display: flex; gap: 4px; margin-top: -4px; padding-inline: 8px; position: relative; } .rea span { padding: 0 6px; height: 22px; border-radius: 11px; background: var(--bg-raised); border: 1px solid var(--line); font-size: 12px; line-height: 20px; }
.qr { display: flex; flex-wrap: wrap; gap: 6px; margin: 2px 0; } .p .qr > * { display: inline-flex; align-items: center; position: relative; min-height: 36px; padding: 0 14px; border-radius: 18px; border: 1px solid var(--accent-line); color: var(--accent-text); font-weight: var(--w-medium); text-decoration: none; }
.p .qr > *:hover { background: var(--hover); } .p .qr > *::after { content: ""; position: absolute; inset: -4px 0; }
.img { display: block; border-radius: 14px; overflow: hidden; background: var(--bg-sunken); max-width: 100%; } .img canvas { display: block; width: 100%; height: 100%; object-fit: cover; }
.p .fil { display: flex; align-items: center; gap: 10px; min-width: 200px; max-width: 100%; padding: 8px 12px; border: 1px solid var(--line-strong); border-radius: 14px; color: var(--text); text-decoration: none; } .fil div, .up div { flex: 1; min-width: 0; line-height: 16px; } .fil b, .up b { display: block; font-weight: var(--w-medium); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .fil small, .up small { color: var(--text-3); font-size: 12px; }
.up { width: 244px; max-width: 100%; display: flex; align-items: center; gap: 10px; padding: 8px; padding-inline-end: 6px; border: 1px solid var(--line-strong); border-radius: 14px; border-end-end-radius: 4px; }
.up .pic { width: 40px; height: 40px; border-radius: 8px; flex: none; background: var(--bg-sunken); display: flex; align-items: center; justify-content: center; overflow: hidden; color: var(--text-3); } .up .pic canvas { width: 40px; height: 40px; object-fit: cover; }
.up .pg { height: 4px; border-radius: 2px; background: var(--bg-sunken); margin-top: 5px; overflow: hidden; } .up .pg i { display: block; height: 4px; border-radius: 2px; background: var(--accent); } .p .up .ib { width: 36px; height: 36px; position: relative; } .p .up .ib::after { content: ""; position: absolute; inset: -4px; }
.wt { display: inline-flex; gap: 4px; padding: 12px 14px; border-radius: 14px; border-end-start-radius: 4px; background: var(--bg-sunken); align-self: flex-start; } .wt i { width: 6px; height: 6px; border-radius: 50%; background: var(--text-3); } .wt i:nth-child(1) { opacity: .4; } .wt i:nth-child(2) { opacity: .7; }
@media (prefers-reduced-motion: no-preference) { .wt i { animation: ty 1.2s infinite; } .wt i:nth-child(2) { animation-delay: .15s; } .wt i:nth-child(3) { animation-delay: .3s; } }
@keyframes ty { 0%, 60%, 100% { transform: none; } 30% { transform: translateY(-3px); } }
.more { align-self: center; } .p .more button { min-height: 44px; padding: 0 12px; color: var(--accent-text); font-size: 12px; }
.p .toend { position: absolute; inset-inline: 0; margin: -44px auto 0; width: max-content; display: flex; align-items: center; gap: 6px; height: 36px; padding: 0 14px; border-radius: 18px; background: var(--bg-raised); box-shadow: var(--shadow-2); color: var(--accent-text); font-weight: var(--w-medium); }

.wc { display: flex; align-items: flex-end; gap: 2px; padding: 6px; border-top: 1px solid var(--line); flex: none; }
.wc .box { flex: 1; min-width: 0; min-height: 40px; margin: 2px 0; border-radius: 20px; border: 1px solid var(--control-line); display: flex; align-items: flex-end; } .wc .box:focus-within { outline: 2px solid var(--focus); outline-offset: -1px; }
.wc textarea { flex: 1; min-width: 0; resize: none; border: 0; background: none; color: var(--text); font: var(--w-normal) 14px/20px var(--font); letter-spacing: inherit; padding: 9px 0; padding-inline: 14px 0; max-height: 129px; outline: 0 !important; } .wc textarea::placeholder { color: var(--text-3); opacity: 1; }
.p .wc .box .ib { width: 38px; height: 38px; border-radius: 50%; color: var(--text-3); position: relative; } .p .wc .box .ib::after { content: ""; position: absolute; inset: -3px; }
.p .wc .snd { width: 40px; height: 40px; margin: 2px 0; border-radius: 50%; background: var(--accent); color: var(--on-accent); margin-inline-start: 6px; position: relative; } .p .wc .snd::after { content: ""; position: absolute; inset: -2px; } .p .wc .snd:hover { background: var(--accent-hover); color: var(--on-accent); }
.cnt { text-align: end; font-size: 12px; color: var(--text-3); padding: 0 58px 4px; } .cnt.bad { color: var(--bad); }
.wp { text-align: center; color: var(--text-3); font-size: 11px; line-height: 18px; padding: 0 0 calc(7px + env(safe-area-inset-bottom, 0px)); flex: none; } .p .wp a { color: inherit; position: relative; } .wp a::after { content: ""; position: absolute; inset: -15px -8px; }
.pop { position: absolute; z-index: 3; background: var(--bg-raised); box-shadow: var(--shadow-2); border-radius: 10px; padding: 4px; animation: in var(--t-base) var(--ease-out); }
.menu { top: 54px; inset-inline-end: 8px; min-width: 220px; } .p .menu button { display: flex; width: 100%; align-items: center; min-height: 44px; padding: 0 12px; border-radius: 6px; text-align: start; font-weight: var(--w-medium); } .p .menu button:hover { background: var(--hover); } .p .menu .bad { color: var(--bad); }
.emo { bottom: 88px; inset-inline-end: 8px; display: grid; grid-template-columns: repeat(7, 44px); max-height: 232px; overflow: auto; } .p .emo button { width: 44px; height: 44px; border-radius: 6px; font-size: 22px; line-height: 1; } .p .emo button:hover { background: var(--hover); }
.frm { display: flex; flex-direction: column; gap: 12px; padding: 14px; border: 1px solid var(--line); border-radius: 14px; } .frm h2 { font: var(--w-strong) 14px/18px var(--font); } .frm label { display: block; font-weight: var(--w-medium); margin-bottom: 4px; } .frm label i { font-style: normal; font-weight: var(--w-normal); color: var(--text-3); }
.frm input { width: 100%; height: 44px; padding: 0 12px; border-radius: 6px; border: 1px solid var(--control-line); background: var(--bg); color: var(--text); font: var(--w-normal) 14px/19px var(--font); } .frm input[aria-invalid="true"] { border-color: var(--bad); } .frm em { display: block; font-style: normal; font-size: 12px; color: var(--bad); margin-top: 4px; } .frm .row { display: flex; gap: 8px; }
.dropz { position: absolute; inset: 8px; z-index: 4; border-radius: 10px; border: 2px dashed var(--accent); background: color-mix(in srgb, var(--bg) 88%, transparent); display: flex; align-items: center; justify-content: center; font: var(--w-strong) 14px/20px var(--font); pointer-events: none; }
.skel { align-self: flex-start; width: 62%; height: 56px; border-radius: 14px; background: var(--bg-sunken); }
.p .tease { position: fixed; z-index: 2147483000; inset-inline-end: 16px; bottom: calc(84px + env(safe-area-inset-bottom, 0px)); width: 282px; display: flex; gap: 10px; padding: 12px 14px; border-radius: 14px; background: var(--bg-raised); color: var(--text); box-shadow: var(--shadow-2); animation: in var(--t-slow) var(--ease-out); }
.tease > button:first-child { position: absolute; inset: 0; border-radius: 14px; } .tease div { flex: 1; min-width: 0; } .tease p { line-height: 19px; display: -webkit-box; -webkit-line-clamp: 3; -webkit-box-orient: vertical; overflow: hidden; overflow-wrap: anywhere; } .tease small { color: var(--text-3); font-size: 12px; } .p .tease .ib { width: 32px; height: 32px; margin-block: -6px -8px; margin-inline: 0 -8px; position: relative; } .p .tease .ib::after { content: ""; position: absolute; inset: -6px; }
@media (max-width: 480px) {
  .p .wg { inset: 40px 8px 8px; width: auto; height: auto; }
  .p .wg[data-keys] { inset: auto 0 auto 0; top: var(--vt, 0); height: var(--vh); border-radius: 0; }
  .wc textarea, .frm input { font-size: 16px; }
  .p.is-open .lau { visibility: hidden; }
}
@media (max-width: 480px) and (hover: hover) { .wc textarea, .frm input { font-size: 14px; } }
@media (max-height: 520px) { .p .wg { top: 8px; bottom: 8px; height: auto; } .p.is-open .lau { visibility: hidden; } }
@media (forced-colors: active) { .p .wg, .wm .b { border: 1px solid CanvasText; } }
`;
