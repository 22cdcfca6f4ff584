//! Why a live socket is closed: by a shard, or by the Worker that stands between the shard and the client. Clients go by
//! the code; the reason says which of several it is.

/// A code (RFC 6455, 7.4, and the registry that its section 11.7 has set up) and a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: u16,
    pub reason: &'static str,
}

const fn close(code: u16, reason: &'static str) -> Close {
    Close { code, reason }
}

/// The client has closed the socket, or has left.
pub const CLOSED: Close = close(1000, "closed");

/// The task of a ticket has ended.
pub const TASK_ENDED: Close = close(1000, "final");

/// The task of the stream was erased.
pub const TASK_ERASED: Close = close(1000, "erased");

/// What has let the client in has ended.
pub const EXPIRED: Close = close(1008, "the session, the token or the ticket has ended");

/// The client has sent what is no acknowledgement.
pub const NOT_TAKEN: Close = close(1008, "only acknowledgements are taken here");

/// A ticket holder has sent a message.
pub const TAKES_NOTHING: Close = close(1008, "a socket that a ticket has opened takes no messages");

/// The client has sent more than it may.
pub const TOO_MANY_MESSAGES: Close = close(1008, "too many messages: acknowledge less often");

/// A shard or the Worker has failed.
pub const FAULT: Close = close(1011, "a fault of the gateway: resume");

/// A shard has begun anew, or was moved. Not 1013, after which a client resumes at once.
pub const SHARD_ENDED: Close = close(1012, "a shard has ended its stream: resume");

/// What has let the client in has to be checked again. The client resumes, and is let in or not.
pub const UNCHECKED: Close = close(1012, "the credentials have to be checked again: resume");

/// The client reads more slowly than events arrive.
pub const BEHIND: Close = close(1013, "too much is not acknowledged: resume");
