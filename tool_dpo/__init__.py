"""tool-dpo: train language models whose tool calls strictly follow the tools' JSON Schemas."""
