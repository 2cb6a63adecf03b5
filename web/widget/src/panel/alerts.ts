// What draws the person's attention: a sound, a notification, the page's title. Once, however many tabs there are.
import type { Msg } from "../model/thread";

let audio: AudioContext | undefined;

/** Two short tones, made here: no file to fetch. A browser that wants a touch first stays silent. */
export function chime(): void {
  try {
    audio ??= new AudioContext();
    void audio.resume(); // one made before the first touch is asleep
    const now = audio.currentTime;
    for (const [i, hertz] of [880, 1318.5].entries()) {
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      const at = now + i * 0.11;
      tone.frequency.value = hertz;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(0.08, at + 0.01);
      gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.28);
      tone.connect(gain).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.3);
    }
  } catch {
    // no sound device: the badge and the title still tell
  }
}

export function notify(title: string, m: Msg, onClick: () => void): void {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  try {
    const n = new Notification(m.actor.name ? `${m.actor.name} · ${title}` : title, {
      body: m.body.text ?? "",
      tag: m.id,
    });
    n.onclick = () => {
      window.focus();
      onClick();
      n.close();
    };
  } catch {
    // phones allow notifications only from a service worker, which a widget has not
  }
}

/** Puts the count of new messages before the page's title while nobody looks at it. */
export class TitleBadge {
  private own = "";
  private page = "";

  show(count: string): void {
    if (this.own !== "" && document.title === this.own) document.title = this.page;
    this.own = "";
    if (count === "" || (document.visibilityState === "visible" && document.hasFocus())) return;
    this.page = document.title;
    this.own = `(${count}) ${this.page}`;
    document.title = this.own;
  }
}
