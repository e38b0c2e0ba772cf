"""Invented names: streets, communities, people and firms of the town of Mingchuan."""

TOWN_NAME = "明川市"

AVENUES = (
    "文昌路",
    "振兴路",
    "朝阳路",
    "柳泉路",
    "人民路",
    "青年路",
    "泰和路",
    "滨河路",
    "迎宾路",
    "东环路",
)
"""From west to east, running north and south."""

STREETS = (
    "北苑街",
    "建设街",
    "光华街",
    "新华街",
    "中兴街",
    "和平街",
    "解放街",
    "南湖街",
    "工业街",
)
"""From north to south, running east and west."""

_COMMUNITY_FIRST = (
    ("明川", "Mingchuan"),
    ("锦绣", "Jinxiu"),
    ("阳光", "Yangguang"),
    ("翠湖", "Cuihu"),
    ("金桂", "Jingui"),
    ("安居", "Anju"),
    ("丽景", "Lijing"),
    ("福源", "Fuyuan"),
    ("清河", "Qinghe"),
    ("祥和", "Xianghe"),
    ("瑞景", "Ruijing"),
    ("梧桐", "Wutong"),
    ("紫云", "Ziyun"),
    ("康宁", "Kangning"),
    ("春晖", "Chunhui"),
    ("银杏", "Yinxing"),
    ("望月", "Wangyue"),
    ("长青", "Changqing"),
)
_COMMUNITY_LAST = (
    ("花园", "Garden"),
    ("小区", "Estate"),
    ("家园", "Homes"),
    ("新村", "New Village"),
)

FAMILY_NAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN_NAMES = (
    "伟",
    "芳",
    "秀英",
    "敏",
    "静",
    "丽华",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "娟",
    "涛",
    "明远",
    "超",
    "秀兰",
    "霞",
    "平",
    "建国",
    "桂英",
    "志强",
    "晓东",
    "玉梅",
    "国栋",
    "雪莲",
    "文博",
    "海燕",
    "子轩",
    "欣怡",
    "浩然",
)

WELFARE_NAMES = {
    "school": (
        "第一小学",
        "第二小学",
        "实验小学",
        "第三中学",
        "第五中学",
        "职业高中",
        "外国语学校",
    ),
    "kindergarten": ("春芽幼儿园", "彩虹幼儿园", "小太阳幼儿园", "育才幼儿园"),
    "hospital": ("市中心医院", "中医院", "妇幼保健院", "第二人民医院"),
    "hotel": ("迎宾楼酒店", "河畔宾馆", "云来酒店", "泰和大酒店", "鸿景宾馆"),
    "restaurant": ("老街面馆", "聚福楼饭店", "渔家小馆", "川香阁", "牡丹亭酒楼", "北方饺子馆"),
    "canteen": ("机关食堂", "公交公司食堂", "供电所食堂", "环卫处食堂"),
    "nursing_home": ("夕阳红养老院", "康乐养老院", "福寿园养老院"),
    "bathhouse": ("清泉浴池", "大众浴池"),
}
"""Institutions by use; each name is numbered or placed by its street when it comes twice."""

INDUSTRY_NAMES = (
    "明川陶瓷厂",
    "宏达玻璃制品",
    "丰禾食品",
    "恒力铸造",
    "东风烘焙",
    "华盛纺织印染",
    "凯达热处理",
    "天和酿造",
    "金鼎铝材",
    "新星涂装",
    "百川乳业",
)

WATER_SHOPS = ("便民超市", "同仁药房", "丽人理发店", "晨光早餐店", "好邻居水果店", "金手洗衣店")


def community_name(number: int) -> str:
    """Return the Chinese name of community 1..72; all are different."""
    first, last = divmod(number - 1, len(_COMMUNITY_LAST))
    return _COMMUNITY_FIRST[first][0] + _COMMUNITY_LAST[last][0]


def community_name_en(number: int) -> str:
    """Return the English name of community 1..72."""
    first, last = divmod(number - 1, len(_COMMUNITY_LAST))
    return f"{_COMMUNITY_FIRST[first][1]} {_COMMUNITY_LAST[last][1]}"


def person_name(draw: int) -> str:
    """Return an invented person's name for any whole number."""
    given, family = divmod(draw, len(FAMILY_NAMES))
    return FAMILY_NAMES[family] + GIVEN_NAMES[given % len(GIVEN_NAMES)]
