import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { SignIn } from "../features/signin/SignIn";
import { onKey } from "../lib/actions";
import { ChannelLooks } from "../lib/channels";
import { Problem, signedOut } from "../lib/http";
import { cache, meQuery } from "../lib/hub";
import { useWords } from "../lib/i18n";
import { otherOwner } from "../lib/own";
import { go, usePlace } from "../lib/router";
import { useStore } from "../lib/store";
import { leave, settle } from "../lib/visit";
import { Button, Empty } from "../ui/parts";
import { Shell } from "./Shell";

const Once = lazy(async () => ({ default: (await import("../features/signin/Once")).Once }));

/** Decides who is here: nobody (sign-in), somebody with a one-time link, or an agent. */
export function App() {
  const { path } = usePlace();
  const out = useStore(signedOut);
  const [was, setWas] = useState(false);
  const [ready, setReady] = useState("");
  const me = useQuery({ ...meQuery, enabled: path !== "/once" && !out });

  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  const id = me.data?.id;
  useEffect(() => {
    if (!id || out) return;
    setWas(true);
    settle(id);
    setReady(id); // nothing is drawn before it is known whose it is
    return () => {
      setReady("");
      leave();
    };
  }, [id, out]);
  useEffect(() => otherOwner(() => location.reload()), []);

  function enter() {
    signedOut.set(false);
    cache.clear();
    if (location.pathname === "/once") go("/inbox/mine", true);
    void cache.invalidateQueries();
  }

  if (path === "/once") {
    return (
      <Suspense>
        <Once done={enter} />
      </Suspense>
    );
  }
  if (out) return <SignIn expired={was} done={enter} />;
  if (me.data)
    return me.data.id === ready ? (
      <ChannelLooks>
        <Shell me={me.data} />
      </ChannelLooks>
    ) : null;
  if (me.error) return <Unreachable problem={me.error} again={() => void me.refetch()} />;
  return null;
}

function Unreachable({ problem, again }: { problem: Error; again: () => void }) {
  const t = useWords();
  const known = problem instanceof Problem && problem.status !== 0;
  return (
    <Empty
      icon="wifi-off"
      title={known ? problem.message : t("problem.unreachable")}
      action={<Button onClick={again}>{t("action.tryNow")}</Button>}
    >
      {known ? (problem as Problem).detail : t("problem.unreachableHelp")}
    </Empty>
  );
}
