//! Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017).
//!
//! A line goes down a tree: first by its token count, then by its first `depth - 3` tokens, where a token with a
//! digit, an unknown one, or one too many takes the wildcard's branch. At the leaf it joins the template with the
//! largest share of equal tokens, if that share reaches the threshold; tokens that differ become the wildcard. Among
//! equal shares the template with more wildcards wins, then the older one.
//!
//! It works on the numbers of [`Symbols`] and knows neither lines nor counts. It never forgets a template; who calls
//! bounds their number.

use crate::symbols::{Symbols, UNKNOWN, WILDCARD};

/// A template's tokens in the arena.
struct Shape {
    begin: usize,
    length: usize,
    wildcards: usize,
}

#[derive(Default)]
struct Node {
    /// Sorted by symbol.
    children: Vec<(u32, u32)>,
    /// The templates of a leaf, oldest first.
    templates: Vec<u32>,
}

impl Node {
    #[inline]
    fn child(&self, symbol: u32) -> Option<u32> {
        let at = self.children.binary_search_by_key(&symbol, |c| c.0).ok()?;
        Some(self.children[at].1)
    }
}

/// The tree and the templates that it has found.
pub struct Drain {
    similarity: f64,
    prefix: usize,
    max_children: usize,
    /// The node of each token count, 0 for none.
    by_count: Vec<u32>,
    /// Node 0 is not used.
    nodes: Vec<Node>,
    shapes: Vec<Shape>,
    arena: Vec<u32>,
}

impl Drain {
    /// An empty tree. `depth` is at least 3, `similarity` is 0 to 1.
    pub fn new(depth: usize, similarity: f64, max_children: usize) -> Self {
        Self {
            similarity,
            prefix: depth - 3,
            max_children,
            by_count: Vec::new(),
            nodes: vec![Node::default()],
            shapes: Vec::new(),
            arena: Vec::new(),
        }
    }

    /// How many templates there are; they are numbered from 0 in order of arrival.
    pub fn count(&self) -> usize {
        self.shapes.len()
    }

    /// The tokens of a template.
    pub fn tokens(&self, template: usize) -> &[u32] {
        let shape = &self.shapes[template];
        &self.arena[shape.begin..shape.begin + shape.length]
    }

    /// The template that a line belongs to, widened to cover it; none if it is like no template.
    #[inline]
    pub fn join(&mut self, line: &[u32]) -> Option<usize> {
        let leaf = self.leaf(line)?;
        let template = self.most_similar(leaf, line)?;
        let shape = &mut self.shapes[template];
        let own = &mut self.arena[shape.begin..shape.begin + shape.length];
        for (mine, &theirs) in own.iter_mut().zip(line) {
            if *mine != theirs && *mine != WILDCARD {
                *mine = WILDCARD;
                shape.wildcards += 1;
            }
        }
        Some(template)
    }

    /// Makes a template of a line, all of whose tokens are known, and returns its number.
    pub fn insert(&mut self, line: &[u32], symbols: &Symbols) -> usize {
        let template = self.shapes.len();
        self.shapes.push(Shape {
            begin: self.arena.len(),
            length: line.len(),
            wildcards: line.iter().filter(|&&symbol| symbol == WILDCARD).count(),
        });
        self.arena.extend_from_slice(line);
        let leaf = self.make_leaf(line, symbols);
        self.nodes[leaf].templates.push(template as u32);
        template
    }

    fn leaf(&self, line: &[u32]) -> Option<usize> {
        let mut node = *self.by_count.get(line.len())?;
        if node == 0 {
            return None;
        }
        for &symbol in &line[..self.prefix.min(line.len().saturating_sub(1))] {
            let here = &self.nodes[node as usize];
            node = here.child(symbol).or_else(|| here.child(WILDCARD))?;
        }
        Some(node as usize)
    }

    fn most_similar(&self, leaf: usize, line: &[u32]) -> Option<usize> {
        let length = line.len();
        let enough = |equal: usize| length == 0 || equal as f64 / length as f64 >= self.similarity;
        // Unknown tokens equal none, so a line of mostly new words needs no comparison.
        if !enough(line.iter().filter(|&&symbol| symbol != UNKNOWN).count()) {
            return None;
        }
        let mut best: Option<(usize, usize, u32)> = None;
        for &template in &self.nodes[leaf].templates {
            let shape = &self.shapes[template as usize];
            if let Some((most, _, _)) = best
                && length - shape.wildcards < most
            {
                continue;
            }
            let own = &self.arena[shape.begin..shape.begin + length];
            let equal = own
                .iter()
                .zip(line)
                .filter(|&(&mine, &theirs)| (mine == theirs) & (mine != WILDCARD))
                .count();
            if best.is_none_or(|(most, wild, _)| (equal, shape.wildcards) > (most, wild)) {
                best = Some((equal, shape.wildcards, template));
                if equal == length {
                    break;
                }
            }
        }
        best.filter(|&(equal, _, _)| enough(equal))
            .map(|(_, _, template)| template as usize)
    }

    fn make_leaf(&mut self, line: &[u32], symbols: &Symbols) -> usize {
        if self.by_count.len() <= line.len() {
            self.by_count.resize(line.len() + 1, 0);
        }
        if self.by_count[line.len()] == 0 {
            self.by_count[line.len()] = self.nodes.len() as u32;
            self.nodes.push(Node::default());
        }
        let mut node = self.by_count[line.len()] as usize;
        for &symbol in &line[..self.prefix.min(line.len().saturating_sub(1))] {
            let key = self.branch(node, symbol, symbols);
            node = match self.nodes[node].child(key) {
                Some(child) => child as usize,
                None => self.add_child(node, key),
            };
        }
        node
    }

    /// The branch of a new template: its token's own where there is one or room for one, else the wildcard's. The last
    /// place is the wildcard's.
    fn branch(&self, node: usize, symbol: u32, symbols: &Symbols) -> u32 {
        let here = &self.nodes[node];
        if here.child(symbol).is_some() {
            return symbol;
        }
        if symbols.text(symbol).iter().any(u8::is_ascii_digit) {
            return WILDCARD;
        }
        let wildcard = usize::from(here.child(WILDCARD).is_none());
        if here.children.len() + wildcard < self.max_children {
            symbol
        } else {
            WILDCARD
        }
    }

    fn add_child(&mut self, node: usize, key: u32) -> usize {
        let child = self.nodes.len();
        self.nodes.push(Node::default());
        let children = &mut self.nodes[node].children;
        let at = children.partition_point(|c| c.0 < key);
        children.insert(at, (key, child as u32));
        child
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Parser {
        drain: Drain,
        symbols: Symbols,
    }

    impl Parser {
        fn new(depth: usize, similarity: f64, max_children: usize) -> Self {
            Self {
                drain: Drain::new(depth, similarity, max_children),
                symbols: Symbols::default(),
            }
        }

        fn add(&mut self, line: &str) -> usize {
            let words = || line.split_whitespace().map(str::as_bytes);
            let found: Vec<u32> = words().map(|w| self.symbols.find(w)).collect();
            self.drain.join(&found).unwrap_or_else(|| {
                let new: Vec<u32> = words().map(|w| self.symbols.intern(w)).collect();
                self.drain.insert(&new, &self.symbols)
            })
        }

        fn text(&self, template: usize) -> String {
            let words = self
                .drain
                .tokens(template)
                .iter()
                .map(|&symbol| String::from_utf8_lossy(self.symbols.text(symbol)).into_owned());
            words.collect::<Vec<_>>().join(" ")
        }
    }

    /// Lines in, template numbers and final texts out.
    fn check(mut parser: Parser, lines: &[&str], groups: &[usize], texts: &[&str]) {
        let got: Vec<usize> = lines.iter().map(|line| parser.add(line)).collect();
        assert_eq!(got, groups);
        let got: Vec<String> = (0..parser.drain.count()).map(|t| parser.text(t)).collect();
        assert_eq!(got, texts);
    }

    #[test]
    fn the_papers_example() {
        check(
            Parser::new(4, 0.4, 100),
            &[
                "Receive from node 4",
                "Receive from node 7",
                "Send to node",
                "Receive from host x",
            ],
            &[0, 0, 1, 0],
            &["Receive from <*> <*>", "Send to node"],
        );
    }

    #[test]
    fn token_counts_and_first_tokens_part_templates() {
        check(
            Parser::new(4, 0.4, 100),
            &["a b c", "a b", "x b c", "a b c"],
            &[0, 1, 2, 0],
            &["a b c", "a b", "x b c"],
        );
        check(
            Parser::new(3, 0.4, 100),
            &["a b c", "x b c"],
            &[0, 0],
            &["<*> b c"],
        );
    }

    #[test]
    fn a_first_token_with_a_digit_takes_the_wildcards_branch() {
        check(
            Parser::new(4, 0.4, 100),
            &["a1 b c", "a2 b c"],
            &[0, 0],
            &["<*> b c"],
        );
    }

    #[test]
    fn one_child_too_many_takes_the_wildcards_branch() {
        check(
            Parser::new(4, 0.4, 2),
            &["a x y", "b x y", "c x y", "a x y"],
            &[0, 1, 1, 0],
            &["a x y", "<*> x y"],
        );
    }

    #[test]
    fn the_most_similar_wins_then_the_wider_then_the_older() {
        check(
            Parser::new(4, 0.6, 100),
            &["a b c d e", "a b x y z", "a b c q e", "a b x q r"],
            &[0, 1, 0, 1],
            &["a b c <*> e", "a b x <*> <*>"],
        );
        // Three tokens equal either; the second has more wildcards.
        check(
            Parser::new(4, 0.6, 100),
            &[
                "a b c d e",
                "a b x y z",
                "a b c q e",
                "a b x q r",
                "a b x q e",
            ],
            &[0, 1, 0, 1, 1],
            &["a b c <*> e", "a b x <*> <*>"],
        );
        // Three tokens equal either, neither has wildcards.
        check(
            Parser::new(4, 0.6, 100),
            &["a b c d e", "a b x y z", "a b c y q"],
            &[0, 1, 0],
            &["a b c <*> <*>", "a b x y z"],
        );
    }

    #[test]
    fn lone_words_stay_apart() {
        check(
            Parser::new(4, 0.4, 100),
            &["a", "b", "a"],
            &[0, 1, 0],
            &["a", "b"],
        );
    }
}
