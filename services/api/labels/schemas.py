"""What people read in forms and lists, as callers get it."""

from pydantic import BaseModel, Field

from services.api.language.tags import Language


class LabelRead(BaseModel):
    """What a value is called, and what it means."""

    label: str = Field(
        description="For a form, a list or a menu: a few words without a full stop.",
        examples=["斑片状黏膜炎"],
    )
    meaning: str = Field(
        description="A sentence for whoever asks what the label means.",
        examples=["未融合的斑片状黏膜炎。"],
    )


class ProblemLabels(BaseModel):
    """A problem in words, as its answers say it."""

    title: str = Field(
        description="What happened, the same each time.", examples=["该受试者尚不能随机"]
    )
    remedy: str = Field(
        description="What to do next.", examples=["请逐条解决errors中的各项，然后重新发送请求。"]
    )


class SiteLabels(BaseModel):
    """A hospital in words."""

    name: str = Field(
        description="The hospital's name, as a letter would address it.",
        examples=["广西医科大学第一附属医院"],
    )
    city: str = Field(description="In which town it is, for a short list.", examples=["南宁"])


class ArmLabels(BaseModel):
    """A group in words."""

    label: str = Field(description="What it is called.", examples=["试验组"])
    description: str = Field(description="What its subjects receive.", examples=["每日三次，…"])


class FactorLabels(BaseModel):
    """A stratification factor in words."""

    label: str = Field(description="What it is called.", examples=["同步化疗"])
    levels: dict[str, str] = Field(
        description="What each of its values is called, by the value: `true` and `false` where it"
        " is one of the two.",
        examples=[{"true": "有同步化疗", "false": "无同步化疗"}],
    )


class FactLabels(BaseModel):
    """A fact of screening in words."""

    question: str = Field(
        description="What the form asks, as a whole sentence.", examples=["口腔黏膜是否完整？"]
    )
    choices: dict[str, str] = Field(
        description="What each of its choices is called; empty where it is no choice.",
        examples=[{"none": "无", "I": "I级"}],
    )


class CriterionLabels(BaseModel):
    """A criterion in words."""

    text: str = Field(
        description="What has to be so, or must not be so.", examples=["血红蛋白≥90 g/L"]
    )
    flag_text: str | None = Field(
        description="What the investigator is asked to look at when it is flagged; null where it"
        " never is.",
        examples=["肌酐清除率低于50 mL/min：研究者须审核肾功能。"],
    )


class ScaleLabels(BaseModel):
    """A grading scale in words."""

    label: str = Field(description="What it is called.", examples=["WHO口腔毒性分级"])
    grades: dict[str, str] = Field(
        description="What each grade means, by the grade.", examples=[{"0": "无"}]
    )


class ProtocolLabels(BaseModel):
    """The protocol's texts, by their ids and codes in the document."""

    version: str = Field(
        description="Which protocol these texts are of: the one in force.", examples=["1.0"]
    )
    language: Language = Field(
        description="`en` where the protocol is not kept in the language of the rest.",
        examples=["zh-Hans"],
    )
    brief_title: str = Field(
        description="What the trial is called.", examples=["外泌体喷剂防治放射性口腔黏膜炎"]
    )
    official_title: str = Field(
        description="The trial's title in full.", examples=["外泌体喷剂：一项随机对照试验"]
    )
    instructions: str = Field(
        description="How the study drug is taken.", examples=["取出外泌体药瓶，打开瓶盖，…"]
    )
    sites: dict[str, SiteLabels] = Field(description="By a site's code.")
    arms: dict[str, ArmLabels] = Field(description="By an arm's code.")
    factors: dict[str, FactorLabels] = Field(description="By a stratification factor's id.")
    facts: dict[str, FactLabels] = Field(description="By a fact's id.")
    criteria: dict[str, CriterionLabels] = Field(description="By a criterion's id.")
    visits: dict[str, str] = Field(
        description="By a visit's code in the schedule; `{n}` in a code stands for the week.",
        examples=[{"BL": "基线，首次放疗之前", "RT{n}A": "放疗周，第一次评估"}],
    )
    components: dict[str, str] = Field(
        description="By the field of a grading. Its choices are among `enumerations`.",
        examples=[{"pain_score": "口腔疼痛，数字评分法（0无痛，10最痛）"}],
    )
    scales: dict[str, ScaleLabels] = Field(description="By a scale's id.")
    impossible: dict[str, str] = Field(
        description="By the id of a combination of components that contradict each other.",
        examples=[{"ulcer_in_erythema": "记录有溃疡，而黏膜最严重处的外观为红斑。"}],
    )
    clocks: dict[str, str] = Field(
        description="By the id of a clock of safety reporting.",
        examples=[{"serious_to_sponsor": "严重不良事件，中心报告申办者"}],
    )
    stopping_rules: dict[str, str] = Field(
        description="By a stopping rule's id.",
        examples=[{"severe_reactions": "试验组中发生4级或5级相关不良事件的受试者"}],
    )


class LabelsRead(BaseModel):
    """Every text that a front-end shows, in one language.

    Terms of adverse events are not among them: CTCAE stays in English, of
    which there is no translation that may be given away.
    """

    language: Language = Field(
        description="Of everything here but, it may be, the protocol's.", examples=["zh-Hans"]
    )
    enumerations: dict[str, dict[str, LabelRead]] = Field(
        description="By the name of an enumeration's schema in the OpenAPI document, and by the"
        " value.",
        examples=[{"Sex": {"female": {"label": "女", "meaning": "出生时性别为女。"}}}],
    )
    problems: dict[str, ProblemLabels] = Field(
        description="By a problem's code, the last part of its `type`."
    )
    protocol: ProtocolLabels = Field(description="The protocol's texts.")
