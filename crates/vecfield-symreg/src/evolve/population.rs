//! Islands between two rounds, as text: what [`Archipelago`](super::Archipelago) goes on from.

use super::island::Member;
use super::sum::Sum;
use super::tree::{Token, Tree};
use crate::operators::binary_named;
use crate::relation::Relation;
use crate::text::{bits, number, real};
use vecfield_expr::Unary;

/// All islands between two rounds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Voyage {
    pub(crate) round: usize,
    pub(crate) islands: Vec<Population>,
}

/// One island.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Population {
    /// Random numbers that it has drawn.
    pub(crate) drawn: u64,
    pub(crate) oldest: usize,
    pub(crate) evaluations: u64,
    pub(crate) members: Vec<Member>,
    pub(crate) best: Vec<Member>,
    pub(crate) common: Vec<f64>,
}

impl Population {
    pub(crate) fn to_text(&self) -> String {
        let Population { drawn, oldest, evaluations, members, best, common } = self;
        let common: Vec<String> = common.iter().map(|count| bits(*count)).collect();
        let mut text = format!("island {drawn} {oldest} {evaluations}\ncommon {}\n", common.join(" "));
        for (kind, members) in [("member", members), ("best", best)] {
            members
                .iter()
                .for_each(|member| text += &format!("{kind} {} {}\n", bits(member.left), member.sum.to_text()));
        }
        text
    }

    /// An island from its first line, behind the word for it.
    pub(crate) fn begin(line: &str) -> Option<Population> {
        let mut words = line.split(' ');
        let (drawn, oldest, evaluations) = (number(&mut words)?, number(&mut words)?, number(&mut words)?);
        Some(Population { drawn, oldest, evaluations, ..Population::default() })
    }

    /// Takes another of its lines in.
    pub(crate) fn read(&mut self, kind: &str, rest: &str, variables: usize) -> Option<()> {
        let member = || {
            let (left, sum) = rest.split_once(' ')?;
            let sum = Sum::parse(sum, variables)?;
            Some(Member { left: real(&mut [left].into_iter())?, size: sum.size(), sum })
        };
        match kind {
            "member" => self.members.push(member()?),
            "best" => self.best.push(member()?),
            "common" => {
                self.common = rest.split(' ').map(|word| real(&mut [word].into_iter())).collect::<Option<_>>()?
            }
            _ => return None,
        }
        Some(())
    }
}

impl Sum {
    /// Relation, factor, terms and denominator between semicolons, trees between commas, their tokens between spaces.
    pub(crate) fn to_text(&self) -> String {
        let trees = |trees: &[Tree]| trees.iter().map(Tree::to_text).collect::<Vec<_>>().join(",");
        let factor = self.factor.as_ref().map(Tree::to_text).unwrap_or_default();
        format!("{};{factor};{};{}", self.relation.place(), trees(&self.terms), trees(&self.denominator))
    }

    pub(crate) fn parse(text: &str, variables: usize) -> Option<Sum> {
        let parts: Vec<&str> = text.split(';').collect();
        let &[relation, factor, terms, denominator] = &parts[..] else { return None };
        let trees = |text: &str| -> Option<Vec<Tree>> {
            let texts = text.split(',').filter(|tree| !tree.is_empty());
            texts.map(|tree| Tree::parse(tree, variables)).collect()
        };
        Some(Sum {
            relation: Relation::at(relation.parse().ok()?)?,
            factor: if factor.is_empty() { None } else { Some(Tree::parse(factor, variables)?) },
            terms: trees(terms)?,
            denominator: trees(denominator)?,
        })
    }
}

impl Tree {
    fn to_text(&self) -> String {
        let token = |token: &Token| match token {
            Token::Variable(v) => format!("x{v}"),
            Token::Number(value) => format!("#{}", bits(*value)),
            Token::Unary(op) => format!("1{}", op.name()),
            Token::Binary(op) => format!("2{}", op.name()),
        };
        self.tokens().iter().map(token).collect::<Vec<_>>().join(" ")
    }

    fn parse(text: &str, variables: usize) -> Option<Tree> {
        let mut operands = 0_usize;
        let token = |word: &str| {
            let token = match word.split_at_checked(1)? {
                ("x", v) => Token::Variable(v.parse().ok().filter(|&v| (v as usize) < variables)?),
                ("#", value) => Token::Number(real(&mut [value].into_iter())?),
                ("1", "-") => Token::Unary(Unary::Neg),
                ("1", name) => Token::Unary(Unary::named(name)?),
                ("2", name) => Token::Binary(binary_named(name)?),
                _ => return None,
            };
            operands = operands.checked_sub(token.arity())? + 1;
            Some(token)
        };
        let tokens: Vec<Token> = text.split(' ').map(token).collect::<Option<_>>()?;
        (operands == 1).then(|| Tree::of_tokens(tokens))
    }
}
