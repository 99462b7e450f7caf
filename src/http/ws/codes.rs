//! Close codes. Their range tells a client what to do: 40xx reconnect and resume, 45xx don't reconnect as you are.

use actix_web_actors::ws;

/// Why a connection is closed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// 1000: the client closed it, and is answered.
    Normal,
    /// 1002: what was sent is no WebSocket frame (RFC 6455).
    Protocol,
    /// 1003: a binary message; this protocol is JSON text.
    Binary,
    /// 1007: a text that is not UTF-8.
    NotUtf8,
    /// 1009: a message over the size bound.
    TooLarge,
    /// 1012: this server is shutting down.
    ShuttingDown,
    /// 4008: the client reads too slowly.
    Slow,
    /// 4009: the client sends too many messages.
    RateLimited,
    /// 4012: the client did not answer a ping.
    NoPong,
    /// 4013: the part of the server that served this connection was restarted.
    Restarted,
    /// 4500: two bad tokens in a row.
    BadToken,
    /// 4501: a token of another wallet than the connection's.
    OtherWallet,
    /// 4502: ten bad messages in a row.
    TooManyBad,
    /// 4503: more connections of one address than it may have.
    TooManyConnections,
}

impl Close {
    /// All, by number.
    pub const ALL: [Self; 14] = [
        Self::Normal,
        Self::Protocol,
        Self::Binary,
        Self::NotUtf8,
        Self::TooLarge,
        Self::ShuttingDown,
        Self::Slow,
        Self::RateLimited,
        Self::NoPong,
        Self::Restarted,
        Self::BadToken,
        Self::OtherWallet,
        Self::TooManyBad,
        Self::TooManyConnections,
    ];

    /// The number.
    pub fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::Protocol => 1002,
            Self::Binary => 1003,
            Self::NotUtf8 => 1007,
            Self::TooLarge => 1009,
            Self::ShuttingDown => 1012,
            Self::Slow => 4008,
            Self::RateLimited => 4009,
            Self::NoPong => 4012,
            Self::Restarted => 4013,
            Self::BadToken => 4500,
            Self::OtherWallet => 4501,
            Self::TooManyBad => 4502,
            Self::TooManyConnections => 4503,
        }
    }

    /// Who is closed with it may come back as it is, and resume.
    pub fn is_passing(self) -> bool {
        matches!(self.code(), 1012 | 4000..4500)
    }

    /// A sentence for people; at most 123 bytes, as a close frame has room for.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Normal => "Goodbye.",
            Self::Protocol => "This is not a WebSocket frame as RFC 6455 has it.",
            Self::Binary => "Binary messages are not part of this protocol; send JSON text.",
            Self::NotUtf8 => "A text message must be UTF-8.",
            Self::TooLarge => "The message is larger than allowed.",
            Self::ShuttingDown => "The server is shutting down; reconnect and resume.",
            Self::Slow => "You read too slowly; reconnect and resume.",
            Self::RateLimited => "You send too many messages; slow down, reconnect and resume.",
            Self::NoPong => "No answer to a ping; reconnect and resume.",
            Self::Restarted => "A part of the server was restarted; reconnect and resume.",
            Self::BadToken => "The token is no good, twice; sign in again before you reconnect.",
            Self::OtherWallet => "A connection is one wallet's; connect anew for another.",
            Self::TooManyBad => "Ten bad messages in a row; fix the client before it reconnects.",
            Self::TooManyConnections => "Too many connections from this address; close one first.",
        }
    }

    /// As the frame carries it.
    pub fn reason(self) -> ws::CloseReason {
        ws::CloseReason { code: ws::CloseCode::from(self.code()), description: Some(self.sentence().to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_fits_a_close_frame_and_survives_the_codec() {
        for close in Close::ALL {
            assert!(close.sentence().len() <= 123, "{close:?}");
            assert_eq!(u16::from(close.reason().code), close.code(), "{close:?}");
        }
    }
}
