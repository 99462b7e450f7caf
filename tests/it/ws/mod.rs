//! The WebSocket port, from the wire: what any client may rely on, whatever the implementation behind is.
