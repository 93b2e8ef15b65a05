"""Writes prompts.json: what the `transformers` library's own engine makes of conversations by chat templates.

    pip install transformers==5.23.0 jinja2 && python prompts.py

The templates are Lectern's own writing: one for each piece of the language that published templates use, and one for each
chat format of the families that the runtime runs.
"""

import datetime
import json
from pathlib import Path

import jinja2
from transformers.utils import chat_template_utils as utils

# What a conversation can be: (role, content) each.
CONVERSATIONS = {
    "one question": [("user", "Hello")],
    "with a system": [("system", "You are kind."), ("user", "Hi there!")],
    "several turns": [
        ("system", "Be brief."),
        ("user", "What is 2 + 2?"),
        ("assistant", "4"),
        ("user", "And 3 + 3?"),
        ("assistant", "6, of course."),
        ("user", "Thanks!"),
    ],
    "without a system": [("user", "a"), ("assistant", "b"), ("user", "c")],
    "spaces": [
        ("system", "  padded  \n"),
        ("user", "\n\n  indented\n\tcode {{ x }} {% y %}\n "),
        ("assistant", " yes "),
        ("user", ""),
    ],
    "letters": [("user", "naïve “quotes” \"plain\" 'single' <b>&amp;</b> 漢字 👩‍👩‍👧 \\n \u2028 e\u0301 \x07")],
    "thoughts": [
        ("user", "Why?"),
        ("assistant", "<think>\nLet me see.\n</think>\n\nBecause."),
        ("user", "Sure? /no_think"),
    ],
}
# 2026-03-09 08:05:07 UTC.
NOW = 1773043507
START, END = "<s>", "</s>"

# Each begins with the last message, so that it is taken for a chat template.
LANGUAGE = {
    "loop": "{% for m in messages %}{{ loop.index }}/{{ loop.length }} {{ loop.index0 }} {{ loop.revindex }} {{ loop.first }} "
    "{{ loop.last }} {{ loop.previtem.role if loop.previtem is defined }}{{ loop.nextitem.role if not loop.last }} "
    "{{ loop.cycle('a', 'b') }} {{ loop.changed(m.role) }} {{ loop.depth }}\n{% else %}none{% endfor %}"
    "{% for x in [] %}{% else %}empty{% endfor %}",
    "loop filter": "{% for m in messages if m.role != 'system' %}{{ loop.index }}{{ m.content }}{% if loop.last %}."
    "{% endif %}{% endfor %}{% for a, b in [(1, 2), [3, 4]] %}{{ a + b }},{% endfor %}",
    "break": "{% for m in messages %}{% if m.role == 'assistant' %}{% continue %}{% endif %}{% if loop.index > 3 %}"
    "{% break %}{% endif %}{{ m.content }}|{% endfor %}",
    "namespace": "{% set ns = namespace(found=false, text='') %}{% for m in messages %}{% set ns.text = ns.text ~ m.role "
    "~ ';' %}{% if m.role == 'user' %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.found }} {{ ns.text }}",
    "scopes": "{% set x = 1 %}{% for m in messages %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}"
    "{% if true %}{% set x = 9 %}{% endif %}{{ x }}{% with y = x, z = 3 %}{% set x = y + z %}{{ x }}{% endwith %}{{ x }}",
    "macro": "{%- macro say(text, times=2, end='!') -%}{% for i in range(times) %}{{ text }}{% endfor %}{{ end }}"
    "{%- endmacro -%}{{ say('ho') }}{{ say('hi', end='?', times=1) }}{{ say(messages[0].content | upper, 1) | lower }}"
    "{% macro deep(n) %}{{ n }}{% if n > 0 %}{{ deep(n - 1) }}{% endif %}{% endmacro %}{{ deep(5) }}",
    "set block": "{% set text %}\n  {{ messages[0].content }}\n  two\n{% endset %}[{{ text }}]{% set t | trim | upper %}  abc "
    "{% endset %}[{{ t }}]{% filter indent(2) %}a\nb\n\nc{% endfilter %}",
    "white space": "  {% if true %}\n  a\n  {%- if true %}\n  b  \n  {% endif -%}\n  c\n{%+ if true %}\n d{% endif +%}\n"
    " {# comment #}\n  e {#- comment -#} f\n  {{ 1 }}\n  {{- 2 -}}\n  g\n{% endif %}\n\n",
    # A newline right after `raw` is the one known difference: minijinja drops it.
    "raw": "{% raw %}  {{ not }} {% parsed %}\n{% endraw %}\n{{ '{{' }}{{ \"%}\" }}{{ '}}' }}",
    "slices": "{{ messages[1:] | length }} {{ messages[::-1][0].role }} {{ 'abcdef'[1:-1] }} {{ 'abcdef'[::-2] }} "
    "{{ 'abc'[-2] }} {{ [1, 2, 3][:2] }} {{ [1, 2, 3][5:] }} {{ messages[-1]['role'] }} {{ 'abc'[10] is defined }}",
    "json": "{{ {'b': [1, 2.5, none, true], 'a': {'text': messages[-1].content}} | tojson }}\n{{ [] | tojson }}{{ {} | tojson }}"
    "\n{{ {'z': 1, 'a': [1, {'b': 2}]} | tojson(indent=2) }}\n{{ [1, 2] | tojson(separators=(',', ':')) }}"
    "{{ [[], {}] | tojson(indent=4) }}{{ 'é<>&' | tojson }}",
    "printing": "{{ none }} {{ true }} {{ 1.0 }} {{ 10 / 4 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} "
    "{{ [1, 'a', \"it's\", none, (1,), {'k': 'v\\n'}] }} {{ missing }} {{ 3.14159 | round(2) }} {{ 7 | string ~ 1 }}",
    "methods": "{% set s = messages[-1].content %}{{ '[' ~ s.strip() ~ ']' ~ s.lstrip() ~ '|' ~ s.rstrip() ~ '|' }}"
    "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c d'.split(' ', 2) }} "
    "{{ 'x</t>y</t>z'.split('</t>')[-1] }} {{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }} {{ 'aXbX'.replace('X', '__') }} "
    "{{ 'aaa'.replace('a', 'b', 2) }} {{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'abcabc'.find('c') }} "
    "{{ 'abcabc'.rfind('c') }} {{ 'banana'.count('an') }} {{ ', '.join(['a', 'b']) }} {{ 'Abc'.upper() ~ 'Abc'.lower() }} "
    "{{ '--a-'.strip('-') }} {{ '12'.isdigit() }} {{ 'ab'.isalpha() }} {{ 'line\\nbreak'.splitlines() }} "
    "{{ '{0}{1}'.format(1, 'b') }}",
    "filters": "{{ ' x ' | trim }} {{ [3, 1, 2] | sort | join('-') }} {{ ['b', 'A', 'c'] | sort }} {{ [1, 2, 3] | first }}"
    "{{ [1, 2, 3] | last }} {{ 'abc' | length }} {{ none | default('d') }} {{ missing | default('d') }} {{ '' | d('e', true) }} "
    "{{ 'a b' | title }} {{ [1, 1, 2] | unique | list }} {{ [1, 2, 3] | sum }} {{ [4, 2] | min }} {{ '5' | int + 1 }} "
    "{{ '2.5' | float }} {{ -3 | abs }} {{ 'abc' | reverse }} {{ 'abc' | list }} {{ {'b': 1, 'a': 2} | dictsort }} "
    "{{ {'b': 1} | items | list }} {{ 'x' | replace('x', 'yy') }} {{ 'a\\nb' | indent(3) }} {{ 'a\\nb' | indent(3, true) }} "
    "{{ [[1, 2], [3]] | map('length') | list }} {{ 'word' | capitalize }}",
    "selecting": "{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | map(attribute='role') | "
    "join(',') }} {{ messages | rejectattr('role', 'in', ['user', 'system']) | map(attribute='content') | list }} "
    "{{ [1, 2, 3, 4] | select('even') | list }} {{ [0, 1, '', 'a'] | reject | list }} {{ [1, none] | select('none') | list }} "
    "{{ (messages | selectattr('content', 'defined') | first).role }} {{ ['a', 'B'] | map('upper') | join }}",
    "tests": "{{ x is defined }} {{ x is not defined }} {{ none is none }} {{ 'a' is string }} {{ messages is iterable }} "
    "{{ messages[0] is mapping }} {{ 'a' is iterable and 'a' is not mapping }} {{ 1 is number }} {{ 1 is integer }} "
    "{{ 1.5 is float }} {{ true is boolean }} {{ true is true }} {{ 3 is odd }} {{ 4 is divisibleby 2 }} {{ 4 is divisibleby(3) }} "
    "{{ 1 is in [1, 2] }} {{ 'a' is eq 'a' }} {{ 2 is gt 1 }} {{ messages is sequence }} {{ not x is defined }}",
    "operators": "{{ 'a' in 'cat' }} {{ 'x' not in ['y'] }} {{ 'role' in messages[0] }} {{ 1 < 2 < 3 }} {{ 1 == 1.0 }} "
    "{{ 'a' < 'b' }} {{ [1, 2] == [1, 2] }} {{ true and 'yes' or 'no' }} {{ none or 'x' }} {{ not '' }} "
    "{{ 'a' ~ 1 ~ none }} {{ 'ab' * 2 }} {{ [1] + [2] }} {{ 1 if false else 2 if false else 3 }} {{ 'x' if true }} "
    "{{ 1 + 2 * 3 - 4 / 2 }} {{ 0x1F + 1_000 }} {{ (1, 2)[1] }} {{ {'a': 1}.a + {'a': 1}['a'] }} "
    "{{ {'a': 1}.get('b', 5) }} {{ {'items': 1}['items'] }} {{ {'a': 1, 'b': 2}.items() | list }} {{ {'b': 1, 'a': 2}.keys() | list }}",
    "unpacking": "{% for k, v in {'z': 1, 'b': [2]}.items() %}{{ k }}={{ v }};{% endfor %}{% set a, b = 1, 2 %}{{ a }}{{ b }}"
    "{% set (c, d) = [3, 4] %}{{ c }}{{ d }}{{ dict(x=1, y='z') }}{{ range(3) | list }}{{ range(5, 0, -2) | list }}",
    "date": "{{ strftime_now('%Y-%m-%d') }} {{ strftime_now('%d %B %Y, %A %H:%M:%S %b %a %y %I %p %%') }}",
    "generation": "{% for m in messages %}{{ m.role }}: {% generation %}{{ m.content }}\n{% endgeneration %}"
    "{%- generation -%} x {%- endgeneration -%}{% endfor %}",
    "refusing": "{% if messages | length > 2 %}{{ raise_exception('too long: ' ~ messages | length) }}{% endif %}ok",
    "undefined": "{{ messages[0].name }}{{ messages[0].name is defined }}{{ messages[9] is defined }}{% for x in missing %}x"
    "{% endfor %}{{ missing | length }}{{ 'a' if missing else 'b' }}{{ messages[0]['tool_calls'] | default([]) }}",
    "undefined attribute": "{{ missing.attribute }}",
    "start and end": "{{ bos_token }}{% for m in messages %}{{ m.content + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}>{% endif %}{{ unk_token }}",
    "escapes": "{{ 'tab\\tnew\\nquote\\'s \\\\ \\x41\\u00e9' }}{{ \"double\\\"s\" }}",
    "elif": "{% for m in messages %}{% if m.role == 'system' %}S{% elif m.role == 'user' %}U{% elif m.role == 'assistant' %}A"
    "{% else %}?{% endif %}{% endfor %}",
}

# The chat formats.
FORMATS = {
    "chatml with a default system": """
{%- if messages[0].role == 'system' %}
    {%- set system = messages[0].content %}
{%- else %}
    {%- set system = 'You help.' %}
{%- endif %}
{{- '<|im_start|>system\\n' ~ system ~ '<|im_end|>\\n' }}
{%- for m in messages if m.role != 'system' %}
    {{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""",
    "chatml that drops old thoughts": """
{%- set ns = namespace(last=messages | length - 1) %}
{%- for m in messages[::-1] %}
    {%- set at = messages | length - 1 - loop.index0 %}
    {%- if m.role == 'user' and ns.last == messages | length - 1 and not loop.first %}{% set ns.last = at %}{% endif %}
{%- endfor %}
{%- for m in messages %}
    {%- set content = m.content if m.content is string else '' %}
    {%- if m.role == 'assistant' and '</think>' in content %}
        {%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- if loop.index0 > ns.last or (loop.last and thought) %}
            {%- set content = '<think>\\n' ~ thought ~ '\\n</think>\\n\\n' ~ content %}
        {%- endif %}
    {%- endif %}
    {{- '<|im_start|>' ~ m.role ~ '\\n' ~ content ~ '<|im_end|>' ~ '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}
{%- endif %}""",
    "headers": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}{% set messages = messages[1:] %}
{%- else %}{% set system = '' %}{% endif %}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
{{- 'Today: ' + strftime_now('%d %b %Y') + '\\n\\n' }}
{{- system + '<|eot_id|>' }}
{%- for m in messages %}
    {{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' + m['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}""",
    "instructions in brackets": """
{%- if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set turns = messages[1:] %}
{%- else %}{% set turns = messages %}{% endif %}
{{- bos_token }}
{%- for m in turns %}
    {%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must alternate: ' ~ loop.index0) }}
    {%- endif %}
    {%- if m['role'] == 'user' %}
        {%- if loop.last and system is defined %}{{ '[INST] ' + system + '\\n\\n' + m['content'] + '[/INST]' }}
        {%- else %}{{ '[INST] ' + m['content'] + '[/INST]' }}{% endif %}
    {%- elif m['role'] == 'assistant' %}{{ ' ' + m['content'] | trim + eos_token }}
    {%- else %}{{ raise_exception('Only user and assistant') }}{% endif %}
{%- endfor %}""",
    "turns without a system": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}
{%- for m in messages %}
    {%- if m['role'] == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = m['role'] %}{% endif %}
    {{- '<start_of_turn>' + role + '\\n' + m['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}""",
    "turns with the system in the first": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- set prefix = messages[0]['content'] + '\\n\\n' %}{% set turns = messages[1:] %}
{%- else %}{% set prefix = '' %}{% set turns = messages %}{% endif %}
{%- for m in turns %}
    {%- set role = 'model' if m['role'] == 'assistant' else m['role'] %}
    {{- '<start_of_turn>' + role + '\\n' + (prefix if loop.first else '') }}
    {%- if m['content'] is string %}{{ m['content'] | trim }}
    {%- elif m['content'] is iterable %}
        {%- for part in m['content'] %}{% if part['type'] == 'text' %}{{ part['text'] | trim }}{% endif %}{% endfor %}
    {%- endif %}
    {{- '<end_of_turn>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}""",
    "roles as tokens": """{% for m in messages %}{% if m['role'] == 'system' and m['content'] %}<|system|>
{{ m['content'] }}<|end|>
{% elif m['role'] == 'user' %}<|user|>
{{ m['content'] }}<|end|>
{% elif m['role'] == 'assistant' %}<|assistant|>
{{ m['content'] }}<|end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% else %}{{ eos_token }}{% endif %}""",
    "channels": """
{%- macro day() -%}{{ strftime_now('%Y-%m-%d') }}{%- endmacro -%}
{%- set effort = reasoning_effort | default('medium', true) %}
{{- '<|start|>system<|message|>Date: ' + day() + '\\nReasoning: ' + effort + '<|end|>' }}
{%- if messages[0].role in ['developer', 'system'] %}
    {{- '<|start|>developer<|message|># Instructions\\n\\n' + messages[0].content + '<|end|>' }}
    {%- set loop_messages = messages[1:] %}
{%- else %}{% set loop_messages = messages %}{% endif %}
{%- set last = namespace(call=none) %}
{%- for m in loop_messages -%}
    {%- if m.role == 'assistant' -%}
        {%- if 'tool_calls' in m %}{{ raise_exception('no tools here') }}
        {%- elif loop.last and not add_generation_prompt %}{{ '<|start|>assistant<|channel|>final<|message|>' + m.content + '<|return|>' }}
        {%- else %}{{ '<|start|>assistant<|channel|>final<|message|>' + m.content + '<|end|>' }}{% set last.call = none %}{% endif %}
    {%- elif m.role == 'user' -%}
        {{- '<|start|>user<|message|>' + m.content + '<|end|>' }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|start|>assistant{%- endif -%}""",
    "tools and documents when there are any": """
{%- if tools is not defined or tools is none %}{% set tools = [] %}{% endif %}
{%- if documents is defined and documents %}{{ documents | tojson(indent=4) }}{% endif %}
{%- for tool in tools %}{{ tool | tojson }}{% endfor %}
{%- for m in messages %}
    {%- if loop.first and m['role'] != 'system' %}{{ '<|role|>system<|end_role|>Knowledge until ' + strftime_now('%B %d, %Y') + '.<|text|>\\n' }}{% endif %}
    {{- '<|role|>' + m['role'] + '<|end_role|>' + m['content'] + '<|text|>\\n' }}
    {%- if loop.last and add_generation_prompt %}{{ '<|role|>assistant' }}{{ '<|end_role|>' }}{% endif %}
{%- endfor %}""",
    "sentences with colons": """{% for m in messages %}{{ m['role'].title() if m['role'] != 'system' else 'SYSTEM' }}: {{ m['content'] }}
{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}""",
}


def rendered(source, turns):
    """By transformers; None when the template refuses."""

    class Then(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc)

    utils.datetime = Then
    try:
        prompts, _ = utils.render_jinja_template(
            conversations=[[{"role": role, "content": content} for role, content in turns]],
            chat_template=source,
            add_generation_prompt=True,
            bos_token=START,
            eos_token=END,
        )
    except (jinja2.TemplateError, TypeError, ValueError):
        return None
    return prompts[0]


def main():
    templates = {name: "{{ messages[-1].content }}" + source for name, source in LANGUAGE.items()}
    templates |= FORMATS
    cases = [
        [name, title, rendered(source, turns)]
        for name, source in templates.items()
        for title, turns in CONVERSATIONS.items()
    ]
    value = {"templates": templates, "conversations": CONVERSATIONS, "now": NOW, "cases": cases}
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (Path(__file__).parent / "prompts.json").write_text(text + "\n")
    print(f"{len(templates)} templates, {len(cases)} prompts, {sum(case[2] is None for case in cases)} refused")


if __name__ == "__main__":
    main()
