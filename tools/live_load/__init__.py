"""Load the live page with several viewers, and with faults; see ``docs/webrtc.md``.

    python -m tools.live_load                     1, 2, 4 and 8 viewers, drift, faults
    python -m tools.live_load --viewers 4 --seconds 20 --minutes 0 --no-faults

The app itself is served, by its usual server, and every viewer is a process of its own: it opens
the page over Streamlit's websocket as a browser does, negotiates over it, and sends a clip with a
real face over WebRTC (aiortc). All of them run inside a network namespace that is made for the run
(``ip netns``, from iproute2, as root) and has nothing but an address of its own: whatever they
send, nothing leaves it. Numbers of viewers and minutes are bounded.
"""
