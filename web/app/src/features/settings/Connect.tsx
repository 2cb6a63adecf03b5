import { useState } from "react";
import { Problem } from "../../lib/http";
import { connect } from "../../lib/hub";
import { said, useWords } from "../../lib/i18n";
import { go } from "../../lib/router";
import type { Channel } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Button } from "../../ui/parts";
import s from "./settings.module.css";

/** Ways to make an account, or give it new credentials, by signing in on the far side. */
export function Connect({ channel, again }: { channel: Channel; again?: boolean }) {
  const t = useWords();
  const [busy, setBusy] = useState("");
  const [problem, setProblem] = useState("");
  if (channel.connect.length === 0) return null;
  async function begin(name: string) {
    setBusy(name);
    setProblem("");
    try {
      const { url } = await connect(channel.kind, name);
      location.assign(url);
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      setBusy("");
      setProblem(e.status === 0 ? t("problem.unreachable") : e.words);
    }
  }
  const ready = channel.connect.some((x) => x.ready);
  return (
    <div className={s.connect}>
      <div className={s.connectWays}>
        {channel.connect.map((x) => (
          <Button
            key={x.name}
            {...(again ? {} : { look: "primary" as const })}
            busy={busy === x.name}
            disabled={!x.ready}
            onClick={() => void begin(x.name)}
          >
            <Icon name="external-link" size={14} />
            {said(x.label, x.name)}
          </Button>
        ))}
      </div>
      {ready ? (
        <p className={s.hint}>{t(again ? "connect.againHelp" : "connect.help")}</p>
      ) : (
        <p className={s.hint}>
          {t("connect.needsApp")}{" "}
          <button type="button" className={s.inline} onClick={() => go(`/settings/channels/app:${channel.kind}`)}>
            {t("connect.toApp")}
          </button>
        </p>
      )}
      {problem ? (
        <p className={s.err} role="alert">
          {problem}
        </p>
      ) : null}
    </div>
  );
}
