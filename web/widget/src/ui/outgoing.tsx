// A message that the hub does not have yet, with the truth about it.
import { needsUpload, type Out } from "../model/outbox";
import { doneOf, sizeOf } from "../model/show";
import { fileOf } from "../net/files";
import { RichText } from "./bubble";
import { usePanel } from "./context";
import { Icon } from "./icon";
import { Picture } from "./picture";

export function Outgoing({ out, up }: { out: Out; up: boolean }) {
  const { s } = usePanel();
  return (
    <div class="wm me" data-id={out.id}>
      <span class="sr">{`${s.you}: `}</span>
      {out.file ? (
        <Upload out={out} up={up} />
      ) : (
        <div class="b" dir="auto">
          <RichText text={out.text} />
        </div>
      )}
      <Foot out={out} up={up} />
    </div>
  );
}

function Foot({ out, up }: { out: Out; up: boolean }) {
  const { engine, s } = usePanel();
  if (out.state === "refused") {
    const lost = out.problem?.title === "lost" && out.problem.status === 410;
    return (
      <div class="f bad" role="alert">
        <Icon name="alert" size={14} />
        <span>
          {s.notSent} {lost ? s.lostFile : (out.problem?.detail ?? out.problem?.title ?? "")}
        </span>
        {!lost && out.problem?.status !== 413 && (
          <button type="button" class="btn" onClick={() => engine.sender.retry(out.id)}>
            {s.retry}
          </button>
        )}
        <button type="button" class="btn" onClick={() => engine.sender.remove(out.id)}>
          {s.remove}
        </button>
      </div>
    );
  }
  if (needsUpload(out) && (!up || out.tries === 0)) return null; // the card says it
  const [icon, word] = wordFor(out, up, s);
  return (
    <div class="f">
      <Icon name={icon} size={14} />
      {word}
    </div>
  );
}

function wordFor(out: Out, up: boolean, s: ReturnType<typeof usePanel>["s"]): ["clock" | "check", string] {
  if (out.state === "acked") return ["check", s.sent];
  if (!up) return ["clock", s.waits];
  return ["clock", out.tries > 0 ? s.waitsShort : s.sending];
}

function Upload({ out, up }: { out: Out; up: boolean }) {
  const { engine, s } = usePanel();
  const f = out.file;
  if (!f) return null;
  const done = f.file ? f.size : (f.done ?? 0);
  const [a, b] = doneOf(Math.min(done, f.size), f.size);
  const text = out.state === "refused" ? sizeOf(f.size) : up ? s.ofSize(a, b) : s.waitsAt(a, b);
  const icon = <Icon name="file" size={20} />;
  return (
    <div class="up">
      <span class="pic">
        {f.mime.startsWith("image/") && f.mime !== "image/svg+xml" ? (
          <Picture load={() => fileOf(out.id)} label="" width={40} height={40} fallback={icon} />
        ) : (
          icon
        )}
      </span>
      <div>
        <b>{f.name}</b>
        <small>{text}</small>
        {out.state !== "refused" && (
          <div
            class="pg"
            role="progressbar"
            aria-label={f.name}
            aria-valuemin={0}
            aria-valuemax={f.size}
            aria-valuenow={done}
          >
            <i style={{ width: `${f.size > 0 ? Math.min(100, (100 * done) / f.size) : 0}%` }} />
          </div>
        )}
      </div>
      {out.state !== "refused" && out.state !== "acked" && (
        <button type="button" class="ib" aria-label={s.stopUpload} onClick={() => engine.sender.remove(out.id)}>
          <Icon name="x" />
        </button>
      )}
    </div>
  );
}
