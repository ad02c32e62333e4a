// Collects facts about this browser's camera and its routes; fer/live/check.py says what they mean.
// Nothing is asked of anybody, and no camera is turned on, before the button is pressed.

const PATIENCE_MS = 15000;

async function permission() {
  try {
    return (await navigator.permissions.query({ name: "camera" })).state;
  } catch {
    return "unknown"; // not every browser tells
  }
}

async function glance() {
  const facts = { secure: window.isSecureContext, api: Boolean(navigator.mediaDevices) };
  if (!facts.api) return facts;
  const devices = await navigator.mediaDevices.enumerateDevices();
  facts.cameras = devices.filter((device) => device.kind === "videoinput").length;
  facts.permission = await permission();
  return facts;
}

// Looks again when the visitor answers the browser's question, or plugs a camera in or out.
async function watch(look) {
  navigator.mediaDevices?.addEventListener("devicechange", look);
  try {
    (await navigator.permissions.query({ name: "camera" })).addEventListener("change", look);
  } catch {
    // not every browser tells
  }
}

async function tryCamera() {
  try {
    const late = new Promise((_, refuse) =>
      setTimeout(() => refuse(new DOMException("", "TimeoutError")), PATIENCE_MS),
    );
    const asked = navigator.mediaDevices.getUserMedia({ video: true });
    asked.then((stream) => stream.getTracks().forEach((track) => track.stop())).catch(() => {});
    await Promise.race([asked, late]);
    return "ok";
  } catch (error) {
    return error.name;
  }
}

// Whether one of the relays answers: it then lends this browser an address.
async function tryRelay(iceServers) {
  const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
  try {
    connection.createDataChannel("check");
    const found = new Promise((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate === null) resolve(false);
        else if (candidate.type === "relay") resolve(true);
      };
      setTimeout(() => resolve(false), PATIENCE_MS / 2);
    });
    await connection.setLocalDescription(await connection.createOffer());
    return await found;
  } finally {
    connection.close();
  }
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const button = parentElement.querySelector("button");
  const tell = (facts) => setStateValue("facts", facts);
  if (!button.dataset.ready) {
    button.dataset.ready = "yes";
    let known = "";
    const look = async () => {
      const facts = await glance();
      const news = `${facts.api} ${facts.cameras === 0} ${facts.permission === "denied"}`;
      if (news !== known && button.isConnected) tell(facts);
      known = news;
    };
    look();
    watch(look);
  }
  button.onclick = async () => {
    button.disabled = true;
    button.textContent = "Checking…";
    const facts = await glance();
    if (facts.api) {
      facts.camera = await tryCamera();
      facts.relayed = data.relay ? await tryRelay(data.servers) : false;
      facts.permission = await permission();
    }
    button.textContent = "Check again";
    button.disabled = false;
    tell({ ...facts, checked: Date.now() });
  };
}
