// A browser's own name for itself, in words: "Firefox on Linux".

const browsers: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrome\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const systems: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux|X11/, "Linux"],
];

/** The name and the system; what is not known is given back as it is, shortened. */
export function program(agent: string): { name: string; system?: string } {
  const name = browsers.find(([r]) => r.test(agent))?.[1];
  const system = systems.find(([r]) => r.test(agent))?.[1];
  if (!name) return { name: agent.length > 60 ? `${agent.slice(0, 59)}…` : agent };
  return { name, ...(system ? { system } : {}) };
}
