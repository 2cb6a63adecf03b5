// What a site's own script does: it may call before the widget is there.
window.Parley = window.Parley || [];
const said = document.getElementById("said");
document.getElementById("identify").addEventListener("click", () => {
  const jwt = document.getElementById("jwt").value.trim();
  if (!jwt) return;
  window.Parley.push(["identify", jwt]);
  window.Parley.push(["open"]);
  said.textContent = "Handed over. The chat now shows this user's conversation, if the signature holds.";
});
document.getElementById("logout").addEventListener("click", () => {
  window.Parley.push(["logout"]);
  said.textContent = "Logged out. Nothing of the conversation stays on this device.";
});
