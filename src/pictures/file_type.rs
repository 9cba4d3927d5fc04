//! The types of files that the media library knows.

/// A type that the media library knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    Jpeg,
    Png,
    Gif,
    Webp,
    /// Known so that it can be refused with a hint.
    Avif,
    /// Known so that it can be refused with a hint.
    Heic,
    Svg,
    Pdf,
    Mp3,
    Mp4,
    M4a,
    Webm,
    Ogg,
    Docx,
    Xlsx,
    Pptx,
    Odt,
    Ods,
    Odp,
    Epub,
    Zip,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Image,
    Audio,
    Video,
    Document,
}

impl FileType {
    /// The media type, as in `Content-Type`.
    pub fn mime(self) -> &'static str {
        self.names().0
    }

    /// The usual ending of a name, without the dot.
    pub fn extension(self) -> &'static str {
        self.names().1
    }

    /// What a file of this type is for.
    pub fn kind(self) -> Kind {
        match self {
            Self::Jpeg | Self::Png | Self::Gif | Self::Webp | Self::Avif | Self::Heic | Self::Svg => {
                Kind::Image
            }
            Self::Mp3 | Self::M4a | Self::Ogg => Kind::Audio,
            Self::Mp4 | Self::Webm => Kind::Video,
            _ => Kind::Document,
        }
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Jpeg => ("image/jpeg", "jpg"),
            Self::Png => ("image/png", "png"),
            Self::Gif => ("image/gif", "gif"),
            Self::Webp => ("image/webp", "webp"),
            Self::Avif => ("image/avif", "avif"),
            Self::Heic => ("image/heic", "heic"),
            Self::Svg => ("image/svg+xml", "svg"),
            Self::Pdf => ("application/pdf", "pdf"),
            Self::Mp3 => ("audio/mpeg", "mp3"),
            Self::Mp4 => ("video/mp4", "mp4"),
            Self::M4a => ("audio/mp4", "m4a"),
            Self::Webm => ("video/webm", "webm"),
            Self::Ogg => ("audio/ogg", "ogg"),
            Self::Docx => ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
            Self::Xlsx => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
            Self::Pptx => {
                ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx")
            }
            Self::Odt => ("application/vnd.oasis.opendocument.text", "odt"),
            Self::Ods => ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
            Self::Odp => ("application/vnd.oasis.opendocument.presentation", "odp"),
            Self::Epub => ("application/epub+zip", "epub"),
            Self::Zip => ("application/zip", "zip"),
        }
    }
}
