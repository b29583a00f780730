//! A reader of the little JSON that a safetensors header is made of: objects, arrays of whole numbers, strings.
//!
//! Invariant: it goes forward through the text once and keeps nothing of it.

use std::borrow::Cow;

use super::malformed;
use crate::error::{Error, Result};

#[derive(Clone)]
pub(super) struct Json<'a> {
    text: &'a str,
    at: usize,
    /// Where the text begins in the file.
    offset: usize,
}

impl<'a> Json<'a> {
    pub(super) fn new(text: &'a str, offset: usize) -> Json<'a> {
        Json {
            text,
            at: 0,
            offset,
        }
    }

    /// What is wrong here.
    #[cold]
    pub(super) fn wrong(&self, reason: impl Into<String>) -> Error {
        malformed("safetensors", self.offset + self.at, reason)
    }

    /// The next byte that is no white space, without taking it.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Takes a byte, if it is the next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.peek() == Some(byte);
        self.at += usize::from(eaten);
        eaten
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<()> {
        match self.eat(byte) {
            true => Ok(()),
            false => Err(self.wrong(format!("{:?} should stand here", char::from(byte)))),
        }
    }

    /// Nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("the header goes on after its object")),
        }
    }

    /// An object; `field` reads the value of each key.
    pub(super) fn object(
        &mut self,
        mut field: impl FnMut(&mut Json<'a>, Cow<'a, str>) -> Result<()>,
    ) -> Result<()> {
        self.expect(b'{')?;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            field(self, key)?;
            if !self.eat(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// An array; `item` reads each element.
    pub(super) fn array(
        &mut self,
        mut item: impl FnMut(&mut Json<'a>) -> Result<()>,
    ) -> Result<()> {
        self.expect(b'[')?;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.eat(b',') {
                return self.expect(b']');
            }
        }
    }

    /// A whole number that is not negative.
    pub(super) fn number(&mut self) -> Result<usize> {
        self.peek();
        let rest = &self.text[self.at..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match rest[..digits].parse() {
            Ok(n) => {
                self.at += digits;
                Ok(n)
            }
            Err(_) => Err(self.wrong("a size that fits 64 bits should stand here")),
        }
    }

    /// A string; borrowed where it has no escapes.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b'"')?;
        let start = self.at;
        let mut own: Option<String> = None;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(['"', '\\']).unwrap_or(rest.len());
            if let Some(own) = &mut own {
                own.push_str(&rest[..plain]);
            }
            self.at += plain;
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok(match own {
                        Some(own) => Cow::Owned(own),
                        None => Cow::Borrowed(&self.text[start..end]),
                    });
                }
                Some(_) => {
                    if own.is_none() {
                        // Room for all of it at once: what grows by halves is twice as large at times.
                        let mut text = String::with_capacity(self.left_of_string(start));
                        text.push_str(&self.text[start..self.at]);
                        own = Some(text);
                    }
                    self.at += 1;
                    let c = self.escape()?;
                    own.get_or_insert_default().push(c);
                }
                None => return Err(self.wrong("a string does not end")),
            }
        }
    }

    /// The bytes from here to the quote that ends a string.
    fn left_of_string(&self, from: usize) -> usize {
        let mut escaped = false;
        let ends = |b: &u8| {
            let end = *b == b'"' && !escaped;
            escaped = *b == b'\\' && !escaped;
            end
        };
        let rest = &self.text.as_bytes()[from..];
        rest.iter().position(ends).unwrap_or(rest.len())
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char> {
        let Some(&c) = self.text.as_bytes().get(self.at) else {
            return Err(self.wrong("a string does not end"));
        };
        self.at += 1;
        Ok(match c {
            b'"' | b'\\' | b'/' => char::from(c),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                let code = match unit {
                    // The first half of a pair.
                    0xd800..0xdc00 if self.text[self.at..].starts_with("\\u") => {
                        self.at += 2;
                        let low = self.unit()?.wrapping_sub(0xdc00);
                        match low {
                            0..0x400 => 0x1_0000 + ((unit - 0xd800) << 10) + low,
                            _ => return Err(self.wrong("half a surrogate pair")),
                        }
                    }
                    _ => unit,
                };
                char::from_u32(code).ok_or_else(|| self.wrong("half a surrogate pair"))?
            }
            _ => return Err(self.wrong("an escape that JSON has not")),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4);
        let unit = digits
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u32::from_str_radix(d, 16).ok());
        self.at += 4 * usize::from(unit.is_some());
        unit.ok_or_else(|| self.wrong("four hexadecimal digits should stand here"))
    }
}

/// A string as JSON writes it.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_they_were_written() {
        for text in [
            "",
            "weight",
            "a\"b\\c/d",
            "line\nend\u{1}",
            "\\\\\"\\ and on",
            "µ 😀",
            "\u{7f}",
        ] {
            let mut json = String::new();
            quote(text, &mut json);
            assert_eq!(Json::new(&json, 0).string().unwrap(), text);
        }
        let read = |json: &str| Json::new(json, 0).string().map(Cow::into_owned);
        assert_eq!(read(r#""\u00b5\ud83d\ude00\/\b""#).unwrap(), "µ😀/\u{8}");
        for wrong in [
            "",
            "a",
            "\"",
            "\"\\",
            r#""\x""#,
            r#""\u12""#,
            r#""\ud83d""#,
            r#""\ud83d\u0041""#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn objects_arrays_and_numbers() {
        let mut seen = Vec::new();
        let mut json = Json::new(" { \"a\" : [ 1 , 20 ] , \"b\":[] } ", 0);
        json.object(|json, key| {
            let mut all = Vec::new();
            json.array(|json| json.number().map(|n| all.push(n)))?;
            seen.push((key.into_owned(), all));
            Ok(())
        })
        .unwrap();
        json.end().unwrap();
        assert_eq!(seen, [("a".into(), vec![1, 20]), ("b".into(), vec![])]);
        for wrong in [
            "[1,]",
            "[,1]",
            "[-1]",
            "[1.5]",
            "[1",
            "[99999999999999999999]",
            "{}",
        ] {
            let mut json = Json::new(wrong, 0);
            let read = json.array(|json| json.number().map(|_| ()));
            assert!(read.is_err(), "{wrong}");
        }
    }
}
